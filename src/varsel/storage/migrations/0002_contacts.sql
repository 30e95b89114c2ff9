-- The contact register: what Varsel itself knows about persons and organisations, filled by `varsel contacts import`.
--
-- An import writes only rows that differ from what is kept, so the same file again writes nothing here. Names, addresses
-- and numbers are as the file had them; lengths are limited where they are read, so that a person fits into an index.

-- Everything a look-up wants lies in the index itself.
CREATE TABLE register_persons (
    national_identity_number  text     NOT NULL,
    name                      text,
    email                     text,
    mobile_number             text,
    is_reserved               boolean  NOT NULL,
    is_stale                  boolean  NOT NULL,
    confirmed                 date,    -- when the person last said that email and mobile_number are right
    PRIMARY KEY (national_identity_number) INCLUDE (name, email, mobile_number, is_reserved, is_stale, confirmed)
);

-- Self-identified users, by their URN in folded letter case.
CREATE TABLE register_external_identities (
    external_identity  text  PRIMARY KEY,
    email              text,
    mobile_number      text
);

CREATE TABLE register_organizations (
    organization_number  text    PRIMARY KEY,
    name                 text,
    emails               text[]  NOT NULL,
    mobile_numbers       text[]  NOT NULL
);

-- What users registered for themselves at an organisation, which need not have a row of its own.
CREATE TABLE register_users (
    organization_number  text    NOT NULL,
    user_id              bigint  NOT NULL,
    email                text,
    mobile_number        text,
    resources            text[],  -- ids of resources the user is authorised for; NULL: all of them
    PRIMARY KEY (organization_number, user_id)
);

-- What a running import has met so far: finds what a file lists twice, and what it does not list at all. A crash of the
-- server empties it, which the import notices.
CREATE UNLOGGED TABLE register_import_keys (
    import_id  uuid    NOT NULL,
    key        text    NOT NULL,
    line       bigint  NOT NULL,
    PRIMARY KEY (import_id, key)
);
