"""Measures Varsel against baselines taken in the same run on the same PostgreSQL server: `python -m bench`."""
