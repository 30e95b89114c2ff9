"""What stops a benchmark: a sentence for the person who started it."""


class BenchError(Exception):
    """Something measured did not behave as it must, so its figures would mean nothing."""
