-- name: next_free
SELECT next_free FROM provider_rates WHERE provider = :provider

-- name: begin
INSERT INTO provider_rates (provider, next_free) VALUES (:provider, :now) ON CONFLICT DO NOTHING

-- name: move_on
-- Only from the value on which the caller's slots were counted: if another process took them first, no row matches.
UPDATE provider_rates SET next_free = :next_free WHERE provider = :provider AND next_free = :known
