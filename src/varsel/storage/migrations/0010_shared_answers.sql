-- What directories answered, for other processes to use within its age. Not logged: what is lost is asked for again.
CREATE UNLOGGED TABLE directory_answers (
    digest     bytea       PRIMARY KEY,  -- of the question and the identifier, which may be of any length
    asked_at   timestamptz NOT NULL,
    until      timestamptz NOT NULL,     -- when its age is reached
    directory  text        NOT NULL,     -- that gave it
    answer     bytea       NOT NULL      -- as it is remembered
);

CREATE INDEX directory_answers_until ON directory_answers (until);
