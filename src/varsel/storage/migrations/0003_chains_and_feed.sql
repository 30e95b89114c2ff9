-- Orders that look ahead: chains with their idempotency ids, the status feed, and the notification log.

-- A request of the newer interface. The key is a hash, because an idempotency id may be of any length; it is let go
-- (NULL) when an instant message certainly did not go out, so that the same id may try again.
CREATE TABLE chains (
    id               uuid        PRIMARY KEY,
    creator          text        NOT NULL,
    family           smallint    NOT NULL,
    idempotency_key  bytea,
    idempotency_id   text        NOT NULL,
    request_hash     bytea       NOT NULL,  -- of the first body, to tell callers that a replay differs
    created          timestamptz NOT NULL,
    shipments        json        NOT NULL,  -- ids and references as answered first: main, then reminders
    dialog_id        text,
    transmission_id  text
);

CREATE UNIQUE INDEX chains_idempotency ON chains (creator, family, idempotency_key);

ALTER TABLE orders ADD COLUMN time_to_live integer;  -- seconds, of instant SMS

-- One entry per order that has ended, written in the transaction that ended it, waiting for its number.
-- Recipients are frozen as [address, result, microseconds since 1970].
CREATE TABLE feed_waiting (
    order_id           uuid        PRIMARY KEY,
    creator            text        NOT NULL,
    senders_reference  text,
    type               smallint    NOT NULL,
    status             smallint    NOT NULL,
    last_update        timestamptz NOT NULL,
    recipients         json        NOT NULL
);

-- Numbered entries. Whoever numbers holds the one row of feed_position until its commit; so numbers become visible in
-- their order and without gaps, however slow the transactions were that ended the orders.
CREATE TABLE feed (
    number             bigint      PRIMARY KEY,
    creator            text        NOT NULL,
    order_id           uuid        NOT NULL,
    senders_reference  text,
    type               smallint    NOT NULL,
    status             smallint    NOT NULL,
    last_update        timestamptz NOT NULL,
    recipients         json        NOT NULL
);

CREATE UNIQUE INDEX feed_creator ON feed (creator, number);

CREATE TABLE feed_position (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    last   bigint  NOT NULL
);
INSERT INTO feed_position (last) VALUES (0);

-- One immutable row per notification of an order that has ended (processing.md 7.4).
CREATE TABLE notification_log (
    notification_id      uuid        PRIMARY KEY,
    chain_id             uuid,
    shipment_id          uuid        NOT NULL,
    creator              text        NOT NULL,
    senders_reference    text,
    dialog_id            text,
    transmission_id      text,
    delivery_reference   text,
    recipient            text,       -- organisation number, else national identity number
    type                 smallint    NOT NULL,
    channel              smallint    NOT NULL,
    destination          text        NOT NULL,
    resource_id          text,
    result               smallint    NOT NULL,
    requested_send_time  timestamptz NOT NULL,
    last_update          timestamptz NOT NULL
);

CREATE INDEX notification_log_shipment ON notification_log (shipment_id);
CREATE INDEX notification_log_dialog ON notification_log (hashtextextended(dialog_id, 0)) WHERE dialog_id IS NOT NULL;
CREATE INDEX notification_log_transmission
    ON notification_log (hashtextextended(transmission_id, 0)) WHERE transmission_id IS NOT NULL;

ALTER TABLE notifications ADD COLUMN segments smallint;  -- parts of an SMS, counted when it is generated
