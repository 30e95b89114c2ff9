-- varsel: no transaction
-- Several notifications may have one reference: their ids, which sort by time, give the newest of them first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_by_reference
ON notifications (reference, id) WHERE reference IS NOT NULL;
