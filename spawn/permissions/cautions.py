"""What is to be said of permissions before they are granted, each with what to write instead."""

from collections.abc import Iterable, Iterator

from spawn.contracts.grants import Caution
from spawn.errors import Rejected
from spawn.permissions.dangers import escalations, is_everywhere, secrets, takes_no_resource
from spawn.permissions.items import Item, example_forms, render
from spawn.permissions.managed import managed_name
from spawn.permissions.policies import Policy, Source
from spawn.permissions.resources import is_nothing_in_particular
from spawn.permissions.statements import ALLOW, Statement
from spawn.permissions.templates import Level, services

ACTION_STAR = "ACTION_STAR"
RESOURCE_STAR = "RESOURCE_STAR"
ESCALATION = "PRIVILEGE_ESCALATION"
SECRETS = "SECRETS_STAR"
BROAD_MANAGED = "BROAD_MANAGED_POLICY"
KMS_KEY = "KMS_KEY"

ADVICE = frozenset({KMS_KEY})
"""Codes of what may be missing rather than too much: nothing that `--strict` rejects."""

_BROAD = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
_WRITERS = (Level.WRITE, Level.READ_WRITE)


def cautions(policy: Policy) -> tuple[Caution, ...]:
    """Return what is to be said of a policy, each once."""
    found = [
        *(each for source in policy.sources for each in _of_source(source)),
        *_of_managed(policy.managed),
        *_about_keys(policy.sources),
    ]
    return tuple(dict.fromkeys(found))


def check_strict(found: Iterable[Caution]) -> None:
    """Pass when there is nothing but advice; raise `Rejected` with the first caution otherwise."""
    for each in found:
        if each.code not in ADVICE:
            instead = f"; write {each.narrower}" if each.narrower else ""
            raise Rejected(
                f"strict: {each.where}: {each.message}{instead}", field="strict", code=each.code
            )


def _of_source(source: Source) -> Iterator[Caution]:
    if source.item is not None:
        yield from _of_item(source, source.item)
        return
    for number, statement in enumerate(source.statements):
        if statement.effect == ALLOW:
            yield from _of_statement(statement, f"{source.name}, Statement[{number}]")


def _of_item(source: Source, item: Item) -> Iterator[Caution]:
    """Say what is wide about an item, in the words of the language."""
    limited = _limited(item)
    where = source.name
    if item.level is Level.FULL:
        message = f"allows every action of {item.service}"
        yield Caution(code=ACTION_STAR, message=message, where=where, narrower=_less(item))
    dangers = [each for statement in source.statements for each in escalations(statement)]
    for action, how in dict(dangers).items():
        message = f"allows {action}: {how}"
        narrower = _less(item) if item.level is Level.FULL else limited
        yield Caution(code=ESCALATION, message=message, where=where, narrower=narrower)
    read = dict.fromkeys(each for statement in source.statements for each in secrets(statement))
    if read:
        message = f"reads every secret of the account ({', '.join(read)})"
        yield Caution(code=SECRETS, message=message, where=where, narrower=limited)
    elif _is_wide(item) and limited and not dangers:
        service = services()[item.service]
        message = f"is not limited: {service.words[item.level]} {service.everywhere}"
        yield Caution(code=RESOURCE_STAR, message=message, where=where, narrower=limited)


def _is_wide(item: Item) -> bool:
    """Say whether an item names no resource, or one of which every name is a wildcard."""
    return not item.resources or any(map(is_nothing_in_particular, item.resources))


def _limited(item: Item) -> str:
    """Return an item limited to a resource, empty when that can't be done."""
    forms = example_forms(services()[item.service], item.level)
    return f"{item.service}:{item.level}:{forms[0]}" if forms else ""


def _less(item: Item) -> str:
    """Return what serves most of those who ask for everything."""
    service = services()[item.service]
    if item.resources:
        return render(Item(item.service, Level.READ_WRITE, item.resources))
    forms = example_forms(service, Level.READ_WRITE)
    return ":".join([item.service, Level.READ_WRITE, *forms[:1]])


def _of_statement(statement: Statement, where: str) -> Iterator[Caution]:
    """Say what is wide about a statement that somebody brought."""
    wide = [each for each in statement.actions if each == "*" or each.endswith(":*")]
    if statement.other_actions or wide:
        named = "all actions but some" if statement.other_actions else ", ".join(wide)
        narrower = '"Action" with the names of those that are used, such as s3:GetObject'
        yield Caution(code=ACTION_STAR, message=f"allows {named}", where=where, narrower=narrower)
    for action, how in escalations(statement):
        narrower = _narrower(action)
        yield Caution(
            code=ESCALATION, message=f"allows {action}: {how}", where=where, narrower=narrower
        )
    read = secrets(statement)
    if read:
        message = f"reads every secret of the account ({', '.join(read)})"
        narrower = '"Resource" with the ARNs of those that are read'
        yield Caution(code=SECRETS, message=message, where=where, narrower=narrower)
    elif is_everywhere(statement) and _takes_resources(statement):
        narrower = '"Resource" with ARNs, such as arn:aws:s3:::BUCKET/KEY'
        message = "is not limited to a resource"
        yield Caution(code=RESOURCE_STAR, message=message, where=where, narrower=narrower)


def _takes_resources(statement: Statement) -> bool:
    return statement.other_actions or not all(map(takes_no_resource, statement.actions))


def _narrower(action: str) -> str:
    if action == "iam:PassRole":
        return (
            '"Resource": "arn:aws:iam::ACCOUNT:role/NAME" with the condition'
            ' {"StringEquals": {"iam:PassedToService": "SERVICE.amazonaws.com"}}'
        )
    if action == "sts:AssumeRole":
        return '"Resource": "arn:aws:iam::ACCOUNT:role/NAME", or sts:ReadWrite:role/NAME'
    return f"a policy without {action}"


def _of_managed(arns: Iterable[str]) -> Iterator[Caution]:
    for arn in arns:
        name = managed_name(arn)
        if name in _BROAD or name.endswith("FullAccess"):
            yield Caution(
                code=BROAD_MANAGED,
                message="allows every action of a service, or of all, on every resource",
                where=name,
                narrower="service:Level:resource (see `spawn iam templates`)",
            )


def _about_keys(sources: Iterable[Source]) -> Iterator[Caution]:
    """Tell those who write to S3, and name no key, that a bucket's encryption may need one."""
    items = [source.item for source in sources if source.item is not None]
    writers = [each for each in items if each.service == "s3" and each.level in _WRITERS]
    if writers and not any(each.service == "kms" for each in items):
        yield Caution(
            code=KMS_KEY,
            message="can't write to buckets that are encrypted with a KMS key of yours",
            where=render(writers[0]),
            narrower=f"{render(writers[0])},kms:ReadWrite:key/KEY, where there is such a key",
        )
