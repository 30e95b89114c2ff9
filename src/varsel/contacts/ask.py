"""All questions about some recipients, asked at once (processing.md 2.2)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from varsel.contacts.protocol import Directory
from varsel.model.contacts import ExternalContact, OrganizationContact, PersonContact, UserContact
from varsel.model.recipients import NO_ANSWERS, Answers, Questions


async def ask(directory: Directory, questions: Questions) -> Answers:
    """Put `questions` to `directory`, one concurrent call for each kind that has any; raises `DependencyFailure`.

    One failing call fails the whole and ends the others (integrations.md 2.6).
    """
    if not questions:
        return NO_ANSWERS
    try:
        async with asyncio.TaskGroup() as calls:
            persons = calls.create_task(_persons(directory, questions))
            externals = calls.create_task(_externals(directory, questions.external_identities))
            official = calls.create_task(_organizations(directory, questions.organizations))
            users = calls.create_task(_user_contacts(directory, questions))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return Answers(
        persons=persons.result(),
        external_identities=externals.result(),
        organizations=official.result(),
        user_contacts=users.result(),
    )


async def _persons(directory: Directory, questions: Questions) -> Mapping[str, PersonContact]:
    if not questions.persons:
        return {}
    return await directory.persons(questions.persons, use_stale=questions.use_stale)


async def _externals(directory: Directory, identities: Collection[str]) -> Mapping[str, ExternalContact]:
    return await directory.external_identities(identities) if identities else {}


async def _organizations(directory: Directory, numbers: Collection[str]) -> Mapping[str, OrganizationContact]:
    return await directory.organizations(numbers) if numbers else {}


async def _user_contacts(directory: Directory, questions: Questions) -> Mapping[str, Sequence[UserContact]]:
    if not questions.organizations or questions.resource_id is None:
        return {}
    return await directory.user_contacts(
        questions.organizations, resource_id=questions.resource_id, resource_action=questions.resource_action
    )
