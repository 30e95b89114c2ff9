"""Index entries: none may become too long for a page, whatever comes from outside."""

from varsel.storage.pool import Pool

_TEXTS = """
SELECT index.relname AS index, part.attname AS column
FROM pg_class index
JOIN pg_namespace space ON space.oid = index.relnamespace AND space.nspname = 'public'
JOIN pg_attribute part ON part.attrelid = index.oid
JOIN pg_type type ON type.oid = part.atttypid
WHERE index.relkind = 'i' AND (type.typlen = -1 OR type.typlen = -2)
"""

BOUNDED = {
    # Where tokens are read: intake.credentials.jws
    ("orders_reference", "creator"),
    ("chains_idempotency", "creator"),
    ("feed_creator", "creator"),
    # Where gateways are read: mechanisms.text.bounded_key; Message-IDs are our own
    ("notifications_by_reference", "reference"),
    ("delivery_reports_waiting", "reference"),
    # Digests
    ("chains_idempotency", "idempotency_key"),
    ("directory_answers_pkey", "digest"),
    # Where files are imported: contacts.import_entries
    ("register_persons_pkey", "national_identity_number"),
    ("register_persons_pkey", "name"),
    ("register_persons_pkey", "email"),
    ("register_persons_pkey", "mobile_number"),
    ("register_external_identities_pkey", "external_identity"),
    ("register_organizations_pkey", "organization_number"),
    ("register_users_pkey", "organization_number"),
    ("register_import_keys_pkey", "key"),
    # Names of our own
    ("provider_rates_pkey", "provider"),
    ("write_probes_pkey", "name"),
}
"""Indexed values without a fixed length, by what bounds them; tests/web/test_http_long_values.py tries each."""


async def test_every_indexed_text_is_bounded_where_it_is_read(pool: Pool) -> None:
    """A text that anybody may make longer than some 2,700 bytes has its hash indexed instead."""
    found = await pool.fetch(_TEXTS)
    assert {(row["index"], row["column"]) for row in found} == BOUNDED
