-- A reference is only known within its provider: two providers may give the same one.

ALTER TABLE notifications ADD COLUMN provider text;  -- whose answer was recorded; NULL: none was, or by older code
ALTER TABLE delivery_reports ADD COLUMN provider text;  -- who sent the report; NULL: any provider of its channel

DROP INDEX notifications_reference;  -- notifications_by_reference finds the same rows
