from tests.web.test_http_feed import end_orders

OLD = "SELECT number, order_id, senders_reference, type, status, last_update, recipients FROM feed WHERE creator = $1 AND number > $2 ORDER BY number LIMIT $3"


async def test_x(service):
    await end_orders(service, 2_000)
    await end_orders(service, 1, org="few")
    async with service.rig.pool.acquire() as c, c.transaction():
        await c.execute("ANALYZE feed")
        await c.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await c.execute(f"PREPARE page AS {OLD}")
        r = await c.fetch("EXPLAIN (ANALYZE) EXECUTE page('nobody', 1, 500)")
        print("\n".join(x[0] for x in r))
        assert 0
