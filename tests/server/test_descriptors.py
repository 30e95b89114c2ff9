"""Connections never take the last file descriptors. Run as a process, for a limit once lowered cannot be raised."""

import asyncio
import sys

import pytest

_ASK = """
import resource
from varsel.http.descriptors import room_for
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(room_for({wanted}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "room", "soft_after", "warns"),
    [
        (300, 1_000, 500, 500, 756, False),
        (300, 600, 500, 344, 600, True),
        (100, 100, 500, 50, 100, True),
        (1_000, 1_000, 500, 500, 1_000, False),
    ],
)
async def test_the_limit_is_raised_as_far_as_it_may_be_and_connections_fit_below_it(
    soft: int, hard: int, wanted: int, room: int, soft_after: int, warns: bool
) -> None:
    asked = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _ASK.format(soft=soft, hard=hard, wanted=wanted),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, warned = await asked.communicate()
    assert told.decode().split() == [str(room), str(soft_after)]
    assert (b"raise the limit of open files" in warned) == warns
