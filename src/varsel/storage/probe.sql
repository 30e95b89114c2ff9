-- name: write
INSERT INTO write_probes AS probe (name, written) VALUES ('varsel', clock_timestamp())
ON CONFLICT (name) DO UPDATE SET written = excluded.written
