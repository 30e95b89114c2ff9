"""The bound on log lines of one kind."""

import logging

from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.log_sampling import SamplingFilter


class Watch:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def line(text: str, *values: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("varsel.test", level, __file__, 1, text, values, None)


def test_lines_past_the_bound_are_left_out_and_counted_in_the_next_one() -> None:
    watch = Watch()
    sampling = SamplingFilter(2, 60.0, watch)
    assert [sampling.filter(line("refused with %d", number)) for number in range(5)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    watch.seconds = 60.0
    told = line("refused with %d", 401)
    assert sampling.filter(told)
    assert told.getMessage() == "refused with 401 (3 lines like this one were left out before it)"
    again = line("refused with %d", 401)
    assert sampling.filter(again)
    assert again.getMessage() == "refused with 401"


def test_other_texts_and_levels_are_counted_apart() -> None:
    sampling = SamplingFilter(1, 60.0, Watch())
    lines = [line("one"), line("two"), line("one", level=logging.ERROR), line("one")]
    assert [sampling.filter(each) for each in lines] == [True, True, True, False]


def test_zero_lets_everything_pass() -> None:
    sampling = SamplingFilter(0, 60.0, Watch())
    assert all(sampling.filter(line("one")) for _ in range(1000))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100)), max_size=200), st.integers(1, 5))
def test_no_stretch_of_time_has_more_lines_than_two_windows(lines: list[tuple[str, float]], most: int) -> None:
    watch, written = Watch(), dict[str, list[float]]()
    sampling = SamplingFilter(most, 10.0, watch)
    for text, seconds in sorted(lines, key=lambda each: each[1]):
        watch.seconds = seconds
        if sampling.filter(line(text)):
            written.setdefault(text, []).append(seconds)
    for times in written.values():
        # A window begins with a line, so any ten seconds touch two windows at most.
        assert all(sum(start <= other < start + 10.0 for other in times) <= 2 * most for start in times)
        assert len(times) <= most * 11


def test_kinds_are_forgotten_when_there_are_very_many() -> None:
    sampling = SamplingFilter(1, 60.0, Watch())
    for number in range(5000):
        sampling.filter(line(f"kind {number}"))
    assert len(sampling._counts) <= 1000
