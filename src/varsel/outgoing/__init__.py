"""Calls to addresses that callers chose: guarded, bounded, and never anything but a GET (contract README, 3.2).

The tokens that go along with calls are fetched here too, from addresses that the operator chose.
"""
