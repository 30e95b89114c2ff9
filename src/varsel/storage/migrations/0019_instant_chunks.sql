-- Chunks of one instant message. Where its provider refused it for a moment, workers try it again by rules of its own:
-- what may have been sent is never sent again.
ALTER TABLE chunks ADD COLUMN instant boolean NOT NULL DEFAULT false;
