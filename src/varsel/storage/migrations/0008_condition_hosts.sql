-- The host that a send condition is asked at, without its port, as a number that is spread evenly: orders are claimed by
-- hosts, so that each has its share. It only sorts orders; the address that is really called is read elsewhere.

CREATE FUNCTION condition_host(endpoint text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(coalesce(lower(substring(endpoint FROM '://(\[[^]]*\]|[^/?#:]*)')), ''), 0)
$$;
