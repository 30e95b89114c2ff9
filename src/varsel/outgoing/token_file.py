"""A token that something else keeps fresh in a file."""

import asyncio
from pathlib import Path
from typing import Final

from varsel.model.clock import Clock
from varsel.outgoing.token_endpoint import is_bearer_token
from varsel.outgoing.tokens import Missed, Token

_LARGEST: Final = 65_536  # bytes


class TokenFile:
    """Gives the token in a file, which is read anew each time: only its writer knows how long it is valid."""

    name = "the token file"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def fetch(self) -> Token | Missed:
        """Read the file."""
        try:
            text = await asyncio.to_thread(self._read)
        except (OSError, UnicodeError) as error:
            return Missed(f"{self._path} cannot be read ({type(error).__name__}); check the path and its permissions")
        if not is_bearer_token(text):
            return Missed(f"{self._path} holds no token; write the access token into it, and nothing else")
        return Token(text, self._clock.now())

    async def aclose(self) -> None:
        """Nothing is held."""

    def _read(self) -> str:
        with self._path.open("rb") as file:
            return file.read(_LARGEST).decode("ascii").strip()
