"""What a policy allows, in words."""

from collections.abc import Iterator

from spawn.permissions.items import Item
from spawn.permissions.managed import managed_name
from spawn.permissions.policies import Policy
from spawn.permissions.resources import Resource
from spawn.permissions.statements import ALLOW, Statement
from spawn.permissions.templates import services

_MOST_NAMED = 4


def describe(policy: Policy) -> tuple[str, ...]:
    """Say what a policy allows, a sentence for each thing that was asked for."""
    return tuple(_sentences(policy))


def _sentences(policy: Policy) -> Iterator[str]:
    for source in policy.sources:
        if source.item is not None:
            yield _item(source.item)
        else:
            yield from (f"{_statement(each)} ({source.name})" for each in source.statements)
    for arn in policy.managed:
        yield f"has all that {managed_name(arn)} allows"


def _item(item: Item) -> str:
    service = services()[item.service]
    # Where a level can't be limited its words say all.
    everywhere = service.everywhere if service.forms_of(item.level) else ""
    where = " and ".join(_where(item.service, each) for each in item.resources) or everywhere
    return f"{item.service}: {service.words[item.level]} {where}".rstrip(" ,")


def _where(service: str, resource: Resource) -> str:
    form = services()[service].forms[resource.form]
    given = resource.given
    places = [given[part] for part in ("region", "account") if given.get(part)]
    said = form.where.format(**given)
    if " under " in said:  # a prefix, which reads better without the wildcard behind it
        said = said.removesuffix("*").removesuffix(" under ")
    return f"{said} in {' of '.join(places)}" if places else said


def _statement(statement: Statement) -> str:
    verb = "allows" if statement.effect == ALLOW else "denies"
    conditions = "".join(
        f", if {each.key} is {each.operator} {' or '.join(each.values)}"
        for each in statement.conditions
    )
    actions = _named(statement.actions, others=statement.other_actions)
    resources = _named(statement.resources, others=statement.other_resources)
    return f"{verb} {actions} on {resources}{conditions}"


def _named(names: tuple[str, ...], *, others: bool) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    listed = f"{shown} and {more} more" if more > 0 else shown
    return f"all but {listed}" if others else "everything" if listed == "*" else listed
