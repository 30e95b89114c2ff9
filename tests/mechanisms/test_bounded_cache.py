"""Caches that are bounded in what they hold, not only in how many."""

from hypothesis import given
from hypothesis import strategies as st

from varsel.mechanisms.bounded_cache import SizedCache, cached_if_short


def test_only_short_texts_are_remembered() -> None:
    calls = list[str]()

    @cached_if_short(entries=2, longest=3)
    def doubled(text: str) -> str:
        calls.append(text)
        return text * 2

    assert [doubled(text) for text in ("abc", "abc", "abcd", "abcd")] == ["abcabc"] * 2 + ["abcdabcd"] * 2
    assert calls == ["abc", "abcd", "abcd"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 120)), max_size=60))
def test_what_is_kept_together_is_never_larger_than_allowed(asked: list[tuple[int, int]]) -> None:
    kept = dict[int, int]()

    def size_of(value: tuple[int, int]) -> int:
        return value[1]

    cache = SizedCache[tuple[int, int]](entries=4, size=100, size_of=size_of)
    for key, size in asked:
        value = cache.get(key, lambda size=size: (len(kept), size))  # type: ignore[misc]  # bound for this turn
        assert kept.setdefault(key, value[1]) == value[1]
        kept[key] = kept.pop(key)
        while len(kept) > 1 and (sum(kept.values()) > 100 or len(kept) > 4):
            del kept[next(iter(kept))]
        for known, its_size in kept.items():
            assert cache.get(known, _must_not_be_made)[1] == its_size


def _must_not_be_made() -> tuple[int, int]:
    raise AssertionError
