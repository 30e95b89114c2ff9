"""All questions about some recipients, asked at once (processing.md 2.2)."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

from varsel.contacts.protocol import Directory, Told
from varsel.model.contacts import ExternalContact, OrganizationContact, Origin, PersonContact, UserContact
from varsel.model.recipients import NO_ANSWERS, Answers, Questions

Subject = TypeVar("Subject")
_AT_ONCE: Final = 4

_Persons = Mapping[str, PersonContact]
_Externals = Mapping[str, ExternalContact]
_Organizations = Mapping[str, OrganizationContact]
_Users = Mapping[str, Sequence[UserContact]]


async def ask(directory: Directory, questions: Questions) -> Answers:
    """Put `questions` to `directory`, one concurrent call for each kind that has any; raises `DependencyFailure`.

    One failing call fails the whole and ends the others (integrations.md 2.6).
    """
    if not questions:
        return NO_ANSWERS
    asking = _side_by_side if _several_calls(questions) else _one_by_one
    persons, externals, organizations, users = await asking(directory, questions)
    return Answers(
        persons=persons,
        external_identities=externals,
        organizations=organizations,
        user_contacts=users,
        origins=_origins(persons, externals, organizations),
        user_origins=_origins(users),
    )


async def ask_each(
    directory: Directory,
    wanted: Iterable[tuple[Subject, Questions]],
    take: Callable[[Subject, Answers], bool | None],
    *,
    at_once: int = _AT_ONCE,
) -> bool:
    """Put the questions of many subjects, `at_once` side by side, and have each subject's answers taken, in order.

    Ends early, and returns True, when `take` returns True: what is left makes no difference. `wanted` is read only as
    far as is asked, so no more than `at_once` subjects are held. Raises `DependencyFailure`.
    """
    source = iter(wanted)
    while some := list(islice(source, at_once)):
        answers = await _all_of(directory, [questions for _, questions in some])
        for (subject, _), told in zip(some, answers, strict=True):
            if take(subject, told):
                return True
            if len(some) > 1:
                await asyncio.sleep(0)  # what is done with so many answers must not hold up other requests
    return False


async def _all_of(directory: Directory, questions: Sequence[Questions]) -> Sequence[Answers]:
    if len(questions) == 1:
        return [await ask(directory, questions[0])]
    try:
        async with asyncio.TaskGroup() as calls:
            asked = [calls.create_task(ask(directory, each)) for each in questions]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [answers.result() for answers in asked]


def _several_calls(questions: Questions) -> bool:
    kinds = [questions.persons, questions.external_identities, questions.organizations]
    return sum(map(bool, kinds)) > 1 or bool(questions.organizations and questions.resource_id)


async def _side_by_side(
    directory: Directory, questions: Questions
) -> tuple[_Persons, _Externals, _Organizations, _Users]:
    try:
        async with asyncio.TaskGroup() as calls:
            persons = calls.create_task(_persons(directory, questions))
            externals = calls.create_task(_externals(directory, questions.external_identities))
            official = calls.create_task(_organizations(directory, questions.organizations))
            users = calls.create_task(_user_contacts(directory, questions))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return persons.result(), externals.result(), official.result(), users.result()


async def _one_by_one(
    directory: Directory, questions: Questions
) -> tuple[_Persons, _Externals, _Organizations, _Users]:
    """Ask without tasks, which cost more than all else when only one call is made."""
    return (
        await _persons(directory, questions),
        await _externals(directory, questions.external_identities),
        await _organizations(directory, questions.organizations),
        await _user_contacts(directory, questions),
    )


async def _persons(directory: Directory, questions: Questions) -> _Persons:
    if not questions.persons:
        return {}
    return await directory.persons(questions.persons, use_stale=questions.use_stale)


async def _externals(directory: Directory, identities: Collection[str]) -> _Externals:
    return await directory.external_identities(identities) if identities else {}


async def _organizations(directory: Directory, numbers: Collection[str]) -> _Organizations:
    return await directory.organizations(numbers) if numbers else {}


async def _user_contacts(directory: Directory, questions: Questions) -> _Users:
    if not questions.organizations or questions.resource_id is None:
        return {}
    return await directory.user_contacts(
        questions.organizations, resource_id=questions.resource_id, resource_action=questions.resource_action
    )


def _origins(*answers: Mapping[str, object]) -> Mapping[str, Origin]:
    told = [answer.origins for answer in answers if isinstance(answer, Told)]
    return told[0] if len(told) == 1 else {identifier: o for origins in told for identifier, o in origins.items()}
