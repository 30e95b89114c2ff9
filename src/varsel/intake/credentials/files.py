"""Keys kept in files, followed as the files change."""

import logging
import re
from collections.abc import Callable
from math import inf
from pathlib import Path

from varsel.intake.credentials.jwk import Key, KeySet, read_key_file
from varsel.intake.credentials.keys import KeySource
from varsel.mechanisms.followed_file import LOOK_INTERVAL, Stamp, settled, stamp_of
from varsel.model.clock import Clock

FILE_NAME_END = "-access-token-public-cert"  # after the issuer's name, as in Altinn's key vault
REREAD_INTERVAL = 3600.0  # seconds after which a file is read again even if it looks unchanged
RESCAN_INTERVAL = 60.0  # seconds after which a directory is listed again even if it looks unchanged
LARGEST_KEY_FILE = 65_536  # bytes

_log = logging.getLogger(__name__)
_REGISTERED = re.compile(rf"([a-z0-9][a-z0-9-]{{0,62}}){FILE_NAME_END}(?:\.pem|\.cer|\.der)?")


class FileKeys:
    """The keys `read` finds in one file. A missing or unreadable file is an empty set, so that nothing passes."""

    def __init__(self, path: Path, read: Callable[[bytes], KeySet], clock: Clock) -> None:
        self.path = path
        self._read = read
        self._clock = clock
        self._keys = KeySet()
        self._stamp: Stamp | None = None
        self._look_at = -inf
        self._reread_at = -inf

    def vouches(self, keys: KeySet, now: float) -> bool:
        """See `KeySource`."""
        return keys is self._keys and now < self._look_at

    async def keys(self) -> KeySet:
        """See `KeySource`."""
        now = self._clock.now().timestamp()
        if now >= self._look_at:
            self._look(now)
        return self._keys

    async def newer(self, than: KeySet) -> KeySet | None:
        """See `KeySource`; a file can be looked at as often as one likes."""
        self._look(self._clock.now().timestamp())
        return None if self._keys is than else self._keys

    def _look(self, now: float) -> None:
        self._look_at = now + LOOK_INTERVAL
        stamp = stamp_of(self.path)
        if stamp == self._stamp and now < self._reread_at:
            return
        self._stamp, self._reread_at = settled(stamp), now + REREAD_INTERVAL
        fresh = KeySet() if stamp is None else self._read_file()
        if fresh != self._keys:
            self._keys = fresh

    def _read_file(self) -> KeySet:
        try:
            with self.path.open("rb") as file:
                return self._read(file.read(LARGEST_KEY_FILE))
        except (OSError, ValueError):
            _log.warning(
                "%s cannot be read as a key that is accepted; replace it by a PEM or DER certificate", self.path.name
            )
            return KeySet()


class CertificateDirectory:
    """Issuers registered by a file `{issuer}-access-token-public-cert`, bare or ending in .pem, .cer or .der.

    The directory's listing is kept for a minute and read anew when the directory changed: an issuer without a file
    costs one look at the directory, whatever names are invented, and a new file counts at once. `read` gives the keys
    of a file; it raises ValueError for one that must not count.
    """

    def __init__(self, directory: Path, clock: Clock, read: Callable[[bytes], tuple[Key, ...]] = read_key_file) -> None:
        self._directory = directory
        self._clock = clock
        self._read = read
        self._sources: dict[str, FileKeys] = {}
        self._stamp: Stamp | None = None
        self._look_at = -inf
        self._rescan_at = -inf

    def source_for(self, issuer: str) -> KeySource | None:
        """Return where the issuer's key is, or None if it has none. `issuer` is lower-case and of the checked form."""
        now = self._clock.now().timestamp()
        if issuer not in self._sources or now >= self._look_at:
            self._look(now)
        return self._sources.get(issuer)

    def _look(self, now: float) -> None:
        self._look_at = now + LOOK_INTERVAL
        stamp = stamp_of(self._directory)
        if stamp != self._stamp or now >= self._rescan_at:
            self._rescan_at = now + RESCAN_INTERVAL
            self._sources = self._scan()
            self._stamp = settled(stamp)

    def _scan(self) -> dict[str, FileKeys]:
        found: dict[str, FileKeys] = {}
        for issuer, path in registered_files(self._directory).items():
            known = self._sources.get(issuer)
            found[issuer] = known if known and known.path == path else self._follow(path)
        return found

    def _follow(self, path: Path) -> FileKeys:
        return FileKeys(path, lambda content: KeySet(self._read(content)), self._clock)


def registered_files(directory: Path) -> dict[str, Path]:
    """Return the file of each registered issuer; of several endings the alphabetically first counts."""
    try:
        names = sorted((path.name for path in directory.iterdir()), reverse=True)
    except OSError:
        return {}
    return {found[1]: directory / name for name in names if (found := _REGISTERED.fullmatch(name))}
