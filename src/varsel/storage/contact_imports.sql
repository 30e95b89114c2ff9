-- name: forget_keys
DELETE FROM register_import_keys WHERE import_id < :lowest_id

-- name: note_keys
-- Remember what lines are about. Of what is listed twice the first line counts.
INSERT INTO register_import_keys (import_id, key, line)
SELECT :import_id, key, line
FROM unnest(:keys::text[], :lines::bigint[]) AS given (key, line)
ORDER BY line
ON CONFLICT (import_id, key) DO NOTHING

-- name: repeated_lines
SELECT given.line, noted.line AS first_line
FROM unnest(:keys::text[], :lines::bigint[]) AS given (key, line)
JOIN register_import_keys noted ON noted.import_id = :import_id AND noted.key = given.key
WHERE noted.line < given.line

-- name: store_persons
-- `entries` is a JSON list. Rows that are already so are left alone, not even locked; xmax is 0 on a row that was not there.
-- Two imports take rows in the same order and so never wait for each other in a circle.
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(NULL::register_persons, :entries::json)
), stored AS (
    INSERT INTO register_persons AS kept
        (national_identity_number, name, email, mobile_number, is_reserved, is_stale, confirmed)
    SELECT national_identity_number, name, email, mobile_number, is_reserved, is_stale, confirmed
    FROM given
    WHERE NOT EXISTS (
        SELECT FROM register_persons same
        WHERE same.national_identity_number = given.national_identity_number
          AND (same.name, same.email, same.mobile_number, same.is_reserved, same.is_stale, same.confirmed)
              IS NOT DISTINCT FROM
              (given.name, given.email, given.mobile_number, given.is_reserved, given.is_stale, given.confirmed)
    )
    ORDER BY national_identity_number
    ON CONFLICT (national_identity_number) DO UPDATE
    SET name = excluded.name, email = excluded.email, mobile_number = excluded.mobile_number,
        is_reserved = excluded.is_reserved, is_stale = excluded.is_stale, confirmed = excluded.confirmed
    RETURNING kept.xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated FROM stored

-- name: store_external_identities
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(NULL::register_external_identities, :entries::json)
), stored AS (
    INSERT INTO register_external_identities AS kept (external_identity, email, mobile_number)
    SELECT external_identity, email, mobile_number
    FROM given
    WHERE NOT EXISTS (
        SELECT FROM register_external_identities same
        WHERE same.external_identity = given.external_identity
          AND (same.email, same.mobile_number) IS NOT DISTINCT FROM (given.email, given.mobile_number)
    )
    ORDER BY external_identity
    ON CONFLICT (external_identity) DO UPDATE
    SET email = excluded.email, mobile_number = excluded.mobile_number
    RETURNING kept.xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated FROM stored

-- name: store_organizations
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(NULL::register_organizations, :entries::json)
), stored AS (
    INSERT INTO register_organizations AS kept (organization_number, name, emails, mobile_numbers)
    SELECT organization_number, name, emails, mobile_numbers
    FROM given
    WHERE NOT EXISTS (
        SELECT FROM register_organizations same
        WHERE same.organization_number = given.organization_number
          AND (same.name, same.emails, same.mobile_numbers)
              IS NOT DISTINCT FROM (given.name, given.emails, given.mobile_numbers)
    )
    ORDER BY organization_number
    ON CONFLICT (organization_number) DO UPDATE
    SET name = excluded.name, emails = excluded.emails, mobile_numbers = excluded.mobile_numbers
    RETURNING kept.xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated FROM stored

-- name: store_users
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(NULL::register_users, :entries::json)
), stored AS (
    INSERT INTO register_users AS kept (organization_number, user_id, email, mobile_number, resources)
    SELECT organization_number, user_id, email, mobile_number, resources
    FROM given
    WHERE NOT EXISTS (
        SELECT FROM register_users same
        WHERE same.organization_number = given.organization_number AND same.user_id = given.user_id
          AND (same.email, same.mobile_number, same.resources)
              IS NOT DISTINCT FROM (given.email, given.mobile_number, given.resources)
    )
    ORDER BY organization_number, user_id
    ON CONFLICT (organization_number, user_id) DO UPDATE
    SET email = excluded.email, mobile_number = excluded.mobile_number, resources = excluded.resources
    RETURNING kept.xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated FROM stored

-- name: count_keys
SELECT count(*) FROM register_import_keys WHERE import_id = :import_id

-- name: remove_persons
DELETE FROM register_persons p
WHERE NOT EXISTS (SELECT FROM register_import_keys k WHERE k.import_id = :import_id AND k.key = p.national_identity_number)

-- name: remove_external_identities
DELETE FROM register_external_identities e
WHERE NOT EXISTS (SELECT FROM register_import_keys k WHERE k.import_id = :import_id AND k.key = e.external_identity)

-- name: remove_organizations
DELETE FROM register_organizations o
WHERE NOT EXISTS (SELECT FROM register_import_keys k WHERE k.import_id = :import_id AND k.key = o.organization_number)

-- name: remove_users
DELETE FROM register_users u
WHERE NOT EXISTS (
    SELECT FROM register_import_keys k
    WHERE k.import_id = :import_id AND k.key = u.organization_number || '/' || u.user_id
)

-- name: drop_keys
DELETE FROM register_import_keys WHERE import_id = :import_id
