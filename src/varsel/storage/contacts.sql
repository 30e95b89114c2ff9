-- name: persons
-- What a stale entry says is withheld unless asked for, but not that the person is reserved. $3 is today.
SELECT national_identity_number, is_reserved,
       CASE WHEN usable THEN email END AS email,
       CASE WHEN usable THEN mobile_number END AS mobile_number
FROM (
    SELECT national_identity_number, is_reserved, email, mobile_number,
           $2::boolean OR NOT (is_stale OR coalesce(confirmed < $3::date - interval '18 months', false)) AS usable
    FROM register_persons
    WHERE national_identity_number = ANY($1::text[])
) AS found
WHERE usable OR is_reserved

-- name: external_identities
SELECT external_identity, email, mobile_number
FROM register_external_identities
WHERE external_identity = ANY($1::text[])

-- name: organizations
SELECT organization_number, emails, mobile_numbers
FROM register_organizations
WHERE organization_number = ANY($1::text[])

-- name: user_contacts
-- Every known organisation has a row here, without a user where it has none who may receive anything for resource $2.
SELECT organization_number, user_id, email, mobile_number
FROM register_users
WHERE organization_number = ANY($1::text[]) AND (resources IS NULL OR $2::text = ANY(resources))
UNION
SELECT organization_number, NULL, NULL, NULL FROM register_users WHERE organization_number = ANY($1::text[])
UNION
SELECT organization_number, NULL, NULL, NULL FROM register_organizations WHERE organization_number = ANY($1::text[])
ORDER BY organization_number, user_id

-- name: names
SELECT national_identity_number AS identifier, name
FROM register_persons
WHERE national_identity_number = ANY($1::text[])
UNION ALL
SELECT organization_number, name
FROM register_organizations
WHERE organization_number = ANY($2::text[])

-- name: kept_persons
SELECT national_identity_number, name, email, mobile_number, is_reserved, is_stale, confirmed
FROM register_persons
WHERE national_identity_number = ANY($1::text[])
ORDER BY national_identity_number

-- name: kept_external_identities
SELECT external_identity, email, mobile_number
FROM register_external_identities
WHERE external_identity = ANY($1::text[])
ORDER BY external_identity

-- name: kept_organizations
SELECT organization_number, name, emails, mobile_numbers
FROM register_organizations
WHERE organization_number = ANY($1::text[])
ORDER BY organization_number

-- name: kept_users
SELECT organization_number, user_id, email, mobile_number, resources
FROM register_users
WHERE organization_number = ANY($1::text[])
ORDER BY organization_number, user_id

-- name: sizes
SELECT (SELECT count(*) FROM register_persons) AS persons,
       (SELECT count(*) FROM register_external_identities) AS external_identities,
       (SELECT count(*) FROM register_organizations) AS organizations,
       (SELECT count(*) FROM register_users) AS users
