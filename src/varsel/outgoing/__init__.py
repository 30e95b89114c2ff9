"""Calls to addresses that callers chose: guarded, bounded, and never anything but a GET (contract README, 3.2)."""
