"""Items of the language as statements on ARNs."""

from collections.abc import Iterable, Iterator

from spawn.permissions.items import Item
from spawn.permissions.realm import Realm
from spawn.permissions.resources import Resource, arns_of, fill_named, squeeze
from spawn.permissions.statements import Condition, Statement
from spawn.permissions.templates import UNLIMITED, Rule, services


def expand(items: Iterable[Item], realm: Realm) -> Iterator[Statement]:
    """Yield what items allow; ARNs that leave parts out are completed with those of `realm`."""
    for item in items:
        for resource in item.resources or (None,):
            for rule in rules_of(item, resource):
                yield _statement(item.service, rule, resource, realm)


def rules_of(item: Item, resource: Resource | None) -> Iterator[Rule]:
    """Yield the rules by which an item grants something on one of its resources."""
    form = resource.form if resource else UNLIMITED
    for rule in services()[item.service].rules:
        if item.level in rule.levels and (not rule.forms or form in rule.forms):
            yield rule


def _statement(service: str, rule: Rule, resource: Resource | None, realm: Realm) -> Statement:
    arns = [arn for kind in rule.on for arn in arns_of(service, kind, resource, realm)]
    return Statement(
        actions=tuple(f"{service}:{action}" for action in rule.actions),
        resources=tuple(arns) or ("*",),
        conditions=tuple(_conditions(rule, resource)),
    )


def _conditions(rule: Rule, resource: Resource | None) -> Iterator[Condition]:
    if rule.condition is None or resource is None:
        return
    value = fill_named(rule.condition.value, resource.given)
    # One that everything fits says nothing, and fails requests without such a key.
    if value is not None and squeeze(value) != "*":
        yield Condition(rule.condition.operator, rule.condition.key, (value,))
