"""Files that are read again when they changed, and values made of them."""

import logging
import os
from pathlib import Path

import pytest

from varsel.mechanisms.followed_file import LOOK_INTERVAL, FollowedFile
from varsel.mechanisms.made_anew import MadeAnew


class Stopwatch:
    """Seconds that a test counts itself."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    file, watch = tmp_path / "secret", Stopwatch()
    file.write_bytes(b"one")
    followed = FollowedFile(file, b"one", 100, watch)
    assert followed.latest() == b"one"
    file.write_bytes(b"two")
    assert followed.latest() == b"one", "it was looked at a moment ago"
    watch.seconds += LOOK_INTERVAL
    assert followed.latest() == b"two"


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    """The way in which Kubernetes replaces the files of a mounted Secret."""
    watch, link = Stopwatch(), tmp_path / "secret"
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1_000_000, 1_000_000))
    link.symlink_to("one")
    followed = FollowedFile(link, b"one", 100, watch)
    link.unlink()
    link.symlink_to("two")
    assert followed.latest() == b"two"


def test_what_was_read_last_stays_while_the_file_is_away(tmp_path: Path) -> None:
    file, watch = tmp_path / "secret", Stopwatch()
    followed = FollowedFile(file, b"one", 100, watch)
    assert followed.latest() == b"one"
    file.write_bytes(b"x" * 200)
    watch.seconds += LOOK_INTERVAL
    assert followed.latest() == b"x" * 101, "cut where it is too large for certain"


def test_a_value_is_made_anew_and_a_bad_one_leaves_the_old_in_use(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    texts = {"now": "1"}
    made = list[str]()

    def number(text: str) -> int:
        made.append(text)
        if not text.isdigit():
            raise ValueError("it is no number")
        return int(text)

    value = MadeAnew("number", lambda: texts["now"], number)
    assert [value(), value()] == [1, 1]
    texts["now"] = "s3cret"
    assert [value(), value()] == [1, 1]
    texts["now"] = "2"
    assert value() == 2
    assert made == ["1", "s3cret", "2"]
    assert "the new number cannot be used and the old one stays in use: it is no number" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_first_value_must_be_good() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        MadeAnew("number", lambda: "x", int)
