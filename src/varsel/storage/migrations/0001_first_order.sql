-- The tables an order walks through, from intake to its last delivery report.
--
-- Three habits hold for all of them:
--   * `due` is the one column that says when somebody must look at a row next. A lease moves it ahead, so a lease
--     that runs out makes the row claimable again without anybody noticing the crash. NULL means: nothing left to do.
--   * Keys are UUIDs of version 7: they sort by time, so each big table can be partitioned by its primary key.
--   * Numbers in smallint columns are those of varsel.model (OrderStatus, NotificationChannel, Result, ...).

-- An order's state: narrow, rewritten at each step. What the order says lies in order_parts and is never rewritten.
CREATE TABLE orders (
    id                     uuid        PRIMARY KEY,
    chain_id               uuid,
    creator                text        NOT NULL,
    senders_reference      text,
    type                   smallint    NOT NULL,
    channel                smallint    NOT NULL,
    sending_time_policy    smallint,
    status                 smallint    NOT NULL,
    created                timestamptz NOT NULL,
    requested_send_time    timestamptz NOT NULL,
    requested_text         text        NOT NULL,  -- the same instant with the caller's 100 ns precision
    last_update            timestamptz NOT NULL,
    condition_endpoint     text,
    ignore_reservation     boolean,
    use_stale_contacts     boolean     NOT NULL,
    resource_id            text,
    resource_action        text,
    part_count             integer     NOT NULL,
    -- Counters are kept as sets of results are recorded, so that a status read never counts rows.
    email_generated        integer     NOT NULL DEFAULT 0,
    email_succeeded        integer     NOT NULL DEFAULT 0,
    sms_generated          integer     NOT NULL DEFAULT 0,
    sms_succeeded          integer     NOT NULL DEFAULT 0,
    pending                integer     NOT NULL DEFAULT 0,
    -- Processing: the lease is (due, attempt); parts_done is how far the expansion has come.
    due                    timestamptz,
    attempt                integer     NOT NULL DEFAULT 0,
    failures               integer     NOT NULL DEFAULT 0,
    parts_done             integer     NOT NULL DEFAULT 0,
    trouble                text        -- why processing is delayed, for operators; no personal data
) WITH (fillfactor = 80);

CREATE INDEX orders_due ON orders (due) WHERE due IS NOT NULL;
-- A reference may be of any length, an index entry may not: so its hash is indexed.
CREATE INDEX orders_reference ON orders (creator, hashtextextended(senders_reference, 0))
    WHERE senders_reference IS NOT NULL;

-- What an order says and to whom, as the caller gave it; at most 500 recipients to a part, the texts in part 0.
CREATE TABLE order_parts (
    order_id    uuid    NOT NULL,
    part        integer NOT NULL,
    texts       json,
    recipients  json    NOT NULL,
    superseded  integer[],  -- positions (in the whole order) whose identifier occurs again later
    PRIMARY KEY (order_id, part)
);

-- One message to one address. Written once when generated and once with its result.
-- A row says New until its result is known; that it is being sent right now is said by its chunk's lease.
CREATE TABLE notifications (
    id                        uuid        PRIMARY KEY,
    order_id                  uuid        NOT NULL,
    chunk_id                  uuid,       -- NULL when there was nothing to send
    channel                   smallint    NOT NULL,
    result                    smallint    NOT NULL,
    result_time               timestamptz NOT NULL,
    expiry                    timestamptz NOT NULL,
    attempts                  smallint    NOT NULL DEFAULT 0,
    assumed                   boolean     NOT NULL DEFAULT false,  -- Delivered for want of reports, not by a report
    address                   text        NOT NULL,  -- '' when reserved or not identified
    national_identity_number  text,
    organization_number       text,
    subject                   text,       -- only when placeholders were filled in
    body                      text,
    reference                 text,       -- what the provider's reports name it by
    detail                    text        -- the provider's code and words, for operators
) WITH (fillfactor = 50);  -- every row is rewritten once, with its result: beside itself, without touching an index

CREATE INDEX notifications_order ON notifications (order_id, id);
CREATE INDEX notifications_reference ON notifications (reference) WHERE reference IS NOT NULL;

-- The unit of sending: some hundred notifications of one lane, leased together.
-- first_id..last_id bounds its rows in the primary key of notifications.
CREATE TABLE chunks (
    id                uuid        PRIMARY KEY,
    lane              smallint    NOT NULL,
    first_id          uuid        NOT NULL,
    last_id           uuid        NOT NULL,
    size              integer     NOT NULL,
    due               timestamptz,           -- waiting: not before; leased: end of lease; NULL: handed over
    attempt           integer     NOT NULL DEFAULT 0,
    leased            boolean     NOT NULL DEFAULT false,
    intended_through  uuid,                  -- rows up to here may have been given to the provider in this lease
    deadline          timestamptz NOT NULL   -- when whatever is not final by then must be decided
) WITH (fillfactor = 70);

CREATE INDEX chunks_due ON chunks (lane, due) WHERE due IS NOT NULL;
CREATE INDEX chunks_deadline ON chunks (deadline);

-- Delivery reports as they arrived. Kept first, applied later; an unmatched one waits for its reference.
CREATE TABLE delivery_reports (
    id               uuid        PRIMARY KEY,
    channel          smallint    NOT NULL,
    reference        text,
    notification_id  uuid,
    result           smallint,   -- NULL: news without consequence
    raw              text        NOT NULL,
    received         timestamptz NOT NULL,
    due              timestamptz,
    attempts         integer     NOT NULL DEFAULT 0,
    outcome          text        -- applied | superseded | no change | unmatched
);

CREATE INDEX delivery_reports_due ON delivery_reports (due) WHERE due IS NOT NULL;
CREATE INDEX delivery_reports_waiting ON delivery_reports (reference) WHERE due IS NOT NULL;
CREATE INDEX delivery_reports_notification ON delivery_reports (notification_id) WHERE notification_id IS NOT NULL;

-- Rest for a whole lane, asked for by a provider (rate limit, wrong credentials, outage).
CREATE TABLE lane_pauses (
    lane    smallint    PRIMARY KEY,
    until   timestamptz NOT NULL,
    reason  text        NOT NULL
);

-- What the sandbox channels were given, for the page at /dev/inbox.
CREATE TABLE sandbox_messages (
    id               uuid        PRIMARY KEY,
    notification_id  uuid        NOT NULL,
    channel          smallint    NOT NULL,
    attempt          smallint    NOT NULL,
    kept             timestamptz NOT NULL,
    recipient        text        NOT NULL,
    sender           text        NOT NULL,
    subject          text,
    body             text        NOT NULL,
    content_type     smallint
);
