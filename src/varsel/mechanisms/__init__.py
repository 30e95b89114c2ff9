"""General mechanisms that several rooms need: retry times, rate limits, circuit breakers, shares.

Nothing here knows what a notification is. Nothing here imports from other rooms of Varsel.
"""
