"""`service:Level[:resource[+resource]]`, read and written."""

import difflib
from collections.abc import Iterable, Iterator

import msgspec

from spawn.errors import Rejected
from spawn.permissions.resources import Resource, names_in, read_resource, write_resource
from spawn.permissions.templates import Level, Service, services

FIELD = "policies"
MOST_ITEMS = 100
MOST_RESOURCES = 1000
LONGEST_ITEM = 2048
_LONGEST_SHOWN = 80


class Item(msgspec.Struct, frozen=True, order=True):
    """A level of a service on some resources; without any, on all of the account's."""

    service: str
    level: Level
    resources: tuple[Resource, ...] = ()


def parse(policies: Iterable[str]) -> tuple[Item, ...]:
    """Read items, sorted and each once; texts may hold several, separated by commas.

    Items of one service and level are one. Raises `Rejected` naming the item, and what is nearest.
    """
    texts = [text for each in policies for text in _split(each)]
    if len(texts) > MOST_ITEMS:
        raise Rejected(f"{FIELD}: {len(texts)} items; use {MOST_ITEMS} at most", field=FIELD)
    resources = sum(text.count("+") + 1 for text in texts)
    if resources > MOST_RESOURCES:
        raise Rejected(
            f"{FIELD}: {resources} resources; use {MOST_RESOURCES} at most, with wildcards",
            field=FIELD,
        )
    found: dict[tuple[str, Level], set[Resource]] = {}
    unlimited: set[tuple[str, Level]] = set()
    for item in map(parse_item, texts):
        key = item.service, item.level
        found.setdefault(key, set()).update(item.resources)
        if not item.resources:
            unlimited.add(key)
    return tuple(
        Item(*key, () if key in unlimited else tuple(sorted(named)))
        for key, named in sorted(found.items())
    )


def parse_item(text: str) -> Item:
    """Read one item; raise `Rejected` naming it, and what is nearest."""
    if len(text) > LONGEST_ITEM:
        raise _wrong(text, f"use {LONGEST_ITEM} characters at most")
    name, _, rest = text.partition(":")
    word, colon, resources = rest.partition(":")
    service = _service(text, name.strip().lower())
    level = _level(text, service, word.strip())
    if colon and not resources.strip():
        raise _wrong(text, f"name {_forms(service, level)} behind the colon, or leave it out")
    if not colon or resources.strip() == "*":
        return Item(service, level)
    found = {_resource(text, service, level, each.strip()) for each in resources.split("+")}
    return Item(service, level, tuple(sorted(found)))


def render(item: Item) -> str:
    """Write an item in its canonical form."""
    resources = [write_resource(item.service, each) for each in item.resources]
    return ":".join([item.service, item.level, *(["+".join(resources)] if resources else [])])


def example_forms(service: Service, level: Level) -> tuple[str, ...]:
    """Return how resources of a level are written, with names in capitals."""
    names = names_in(service)
    return tuple(form.write.format(**names) for form in service.forms_of(level).values())


def _split(policies: str) -> Iterator[str]:
    for text in policies.split(","):
        if text.strip():
            yield text.strip()


def _service(text: str, name: str) -> str:
    known = services()
    if name in known:
        return name
    raise _wrong(text, f"there is no service {_shown(name)}; {_nearest(name, list(known))}")


def _level(text: str, service: str, word: str) -> Level:
    levels = services()[service].levels
    by_word = {level.lower(): level for level in levels}
    found = by_word.get(word.lower())
    if found:
        return found
    said = f"there is no level {_shown(word)} of {service}" if word else "name a level"
    # Of levels that other services have, the nearest is the one that means most of the same.
    known = word.lower() in map(str.lower, Level)
    near = next(level for level in (Level.READ_WRITE, Level.READ) if level in levels)
    raise _wrong(text, f"{said}; {_nearest(near if known else word, list(levels))}")


def _resource(text: str, service: str, level: Level, written: str) -> Resource:
    found = read_resource(service, level, written)
    if found:
        return found
    raise _wrong(text, f"{_shown(written)} is no resource of it; use {_forms(service, level)}")


def _forms(service: str, level: Level) -> str:
    template = services()[service]
    forms = example_forms(template, level)
    if not forms:
        return f"{service}:{level} alone: it can't be limited to a resource"
    arns = [arn for form in template.forms_of(level).values() for arn in form.arns[:1]]
    names = names_in(template) | {"partition": "aws", "region": "REGION", "account": "ACCOUNT"}
    return " or ".join([*forms, *(arn.format(**names) for arn in arns)])


def _nearest(word: str, known: list[str]) -> str:
    """Say what is nearest to a word, and what else there is."""
    lowered = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower()[:_LONGEST_SHOWN], lowered, n=1, cutoff=0.5)
    hint = f"did you mean {lowered[close[0]]}? " if close else ""
    return f"{hint}use {', '.join(known)}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def _wrong(text: str, expected: str) -> Rejected:
    return Rejected(f"{FIELD}={_shown(text)}: {expected}", field=FIELD)
