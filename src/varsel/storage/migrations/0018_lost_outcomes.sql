-- How many attempts of a notification had an outcome that was lost: it is sent again only so often.
-- `assumed` now means more, too: a result that is final but not known, Failed for want of any outcome among them.
ALTER TABLE notifications ADD COLUMN lost smallint NOT NULL DEFAULT 0;
