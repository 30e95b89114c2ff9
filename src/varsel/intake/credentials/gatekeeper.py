"""The door: from a request's headers and an endpoint's policy to a caller, or a refusal."""

from collections.abc import Awaitable, Callable

from varsel.errors import CredentialError, KeysUnavailable
from varsel.intake.credentials.platform import PlatformTokens
from varsel.intake.credentials.policies import ANONYMOUS, Caller, Denied, Policy, decide
from varsel.intake.credentials.presented import CredentialReader, Presented, RawHeaders
from varsel.intake.credentials.tokens import AltinnTokens
from varsel.model.clock import Clock

Judgement = Caller | CredentialError | None
"""What became of one credential: whom it names, why it does not hold, or that there was none."""


class Gatekeeper:
    """Admits requests by the credentials they present."""

    def __init__(
        self,
        altinn: AltinnTokens,
        platform: PlatformTokens,
        clock: Clock,
        reader: CredentialReader | None = None,
    ) -> None:
        self._altinn = altinn
        self._remembered = altinn.remembered
        self._platform = platform
        self._clock = clock
        self._reader = reader or CredentialReader()

    async def admit(self, policy: Policy, headers: RawHeaders) -> Caller | Denied:
        """Return the caller, whose creator may be None, or the refusal (api.md 2.2 and 2.4).

        Raises KeysUnavailable (503) if the outcome hangs on a token that cannot be judged at present.
        """
        if policy.scope is None:
            return ANONYMOUS
        presented = self._reader.read(headers)
        if presented.platform is None and presented.bearer is not None:
            known = self._remembered.recall(presented.bearer, self._clock.now().timestamp())
            if known is not None:
                return decide(policy, known, None)
        return await self._judge(policy, presented)

    async def check(self) -> str:
        """Say in one sentence that keys are at hand; raises KeysUnavailable with what to do next."""
        return await self._altinn.check()

    async def _judge(self, policy: Policy, presented: Presented) -> Caller | Denied:
        bearer = await _judged(self._altinn.verify, presented.bearer)
        platform = await _judged(self._platform.verify, presented.platform)
        outcome = decide(policy, _verified(bearer), _verified(platform))
        if isinstance(outcome, Caller) and outcome.creator is not None:
            return outcome
        platform_counts = policy.platform_token_suffices or isinstance(outcome, Caller)
        for judgement in (bearer, platform if platform_counts else None):
            if isinstance(judgement, KeysUnavailable):
                raise judgement
        return outcome if isinstance(outcome, Caller) else _explained(outcome, bearer, platform)


async def _judged(verify: Callable[[bytes], Awaitable[Caller]], token: bytes | None) -> Judgement:
    if token is None:
        return None
    try:
        return await verify(token)
    except CredentialError as fault:
        return fault


def _verified(judgement: Judgement) -> Caller | None:
    return judgement if isinstance(judgement, Caller) else None


def _explained(denied: Denied, *judgements: Judgement) -> Denied:
    """Name what was wrong with the credentials presented; the texts carry nothing out of the tokens."""
    faults = [str(judgement) for judgement in judgements if isinstance(judgement, CredentialError)]
    return Denied(denied.status, "; ".join([denied.reason, *faults]))
