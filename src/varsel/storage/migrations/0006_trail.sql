-- Why a notification has the address it has, or has none: who was asked, what kind of answer came, which rule decided.

ALTER TABLE notifications ADD COLUMN trail text;  -- NULL: the caller gave the address
