-- name: persons
-- What a stale entry says is withheld unless asked for, but not that the person is reserved. `today` is the day to judge by.
SELECT national_identity_number, is_reserved,
       CASE WHEN usable THEN email END AS email,
       CASE WHEN usable THEN mobile_number END AS mobile_number
FROM (
    SELECT national_identity_number, is_reserved, email, mobile_number,
           :use_stale::boolean OR NOT (is_stale OR coalesce(confirmed < :today::date - interval '18 months', false)) AS usable
    FROM register_persons
    WHERE national_identity_number = ANY(:identifiers::text[])
) AS found
WHERE usable OR is_reserved

-- name: external_identities
SELECT external_identity, email, mobile_number
FROM register_external_identities
WHERE external_identity = ANY(:identifiers::text[])

-- name: organizations
SELECT organization_number, emails, mobile_numbers
FROM register_organizations
WHERE organization_number = ANY(:numbers::text[])

-- name: user_contacts
-- Every known organisation has a row here, without a user where it has none who may receive anything for resource `resource_id`.
SELECT organization_number, user_id, email, mobile_number
FROM register_users
WHERE organization_number = ANY(:numbers::text[]) AND (resources IS NULL OR :resource_id::text = ANY(resources))
UNION
SELECT organization_number, NULL, NULL, NULL FROM register_users WHERE organization_number = ANY(:numbers::text[])
UNION
SELECT organization_number, NULL, NULL, NULL FROM register_organizations WHERE organization_number = ANY(:numbers::text[])
ORDER BY organization_number, user_id

-- name: names
SELECT national_identity_number AS identifier, name
FROM register_persons
WHERE national_identity_number = ANY(:persons::text[])
UNION ALL
SELECT organization_number, name
FROM register_organizations
WHERE organization_number = ANY(:organizations::text[])

-- name: kept_persons
SELECT national_identity_number, name, email, mobile_number, is_reserved, is_stale, confirmed
FROM register_persons
WHERE national_identity_number = ANY(:identifiers::text[])
ORDER BY national_identity_number

-- name: kept_external_identities
SELECT external_identity, email, mobile_number
FROM register_external_identities
WHERE external_identity = ANY(:identifiers::text[])
ORDER BY external_identity

-- name: kept_organizations
SELECT organization_number, name, emails, mobile_numbers
FROM register_organizations
WHERE organization_number = ANY(:identifiers::text[])
ORDER BY organization_number

-- name: kept_users
SELECT organization_number, user_id, email, mobile_number, resources
FROM register_users
WHERE organization_number = ANY(:identifiers::text[])
ORDER BY organization_number, user_id

-- name: sizes
SELECT (SELECT count(*) FROM register_persons) AS persons,
       (SELECT count(*) FROM register_external_identities) AS external_identities,
       (SELECT count(*) FROM register_organizations) AS organizations,
       (SELECT count(*) FROM register_users) AS users
