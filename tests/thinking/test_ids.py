"""Identifiers: version 7, in rising order, and in every way what the standard library makes."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from varsel.model.ids import lowest_id, new_id, new_ids


def test_ids_rise_and_lie_in_their_millisecond() -> None:
    before = datetime.now(UTC)
    ids = [*new_ids(1_000), new_id(), *new_ids(1_000)]
    assert ids == sorted(set(ids))
    assert lowest_id(before - timedelta(milliseconds=1)) < ids[0]
    assert ids[-1] < lowest_id(datetime.now(UTC) + timedelta(milliseconds=1))


def test_an_id_is_like_any_other_uuid() -> None:
    made = new_id()
    same = UUID(str(made))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert (made, hash(made), repr(made), made.bytes, made.is_safe) == (
        same,
        hash(same),
        repr(same),
        same.bytes,
        same.is_safe,
    )
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == same  # noqa: S301 - our own bytes
