"""What people write behind a level, read into names, and written as ARNs."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from spawn.permissions.realm import ACCOUNT, PARTITION, REGION, Realm
from spawn.permissions.templates import Level, Service, services

_REALM = {"partition": PARTITION, "region": REGION, "account": ACCOUNT}
_NAME = re.compile(r"\{(\w+)\}")


class Resource(msgspec.Struct, frozen=True, order=True):
    """A resource as it was named: its form, and the names in order of their appearance.

    Written out as an ARN, it also says its partition, region and account.
    """

    form: str
    names: tuple[tuple[str, str], ...]

    @property
    def given(self) -> dict[str, str]:
        """What was named, by name."""
        return dict(self.names)

    @property
    def is_arn(self) -> bool:
        """Whether it was written out in full."""
        return "partition" in self.given


def read_resource(service: str, level: Level, text: str) -> Resource | None:
    """Read a resource of a service; None when no form of this level fits."""
    found = services()[service]
    for name in found.forms_of(level):
        for pattern in _patterns(service, name):
            match = pattern.fullmatch(text)
            if match:
                return Resource(name, tuple(match.groupdict().items()))
    return None


def is_nothing_in_particular(resource: Resource) -> bool:
    """Say whether wildcards stand for every name, whatever its account and region."""
    names = [name for key, name in resource.names if key not in _REALM]
    return all("*" in name and not name.strip("*?/.-") for name in names)


def write_resource(service: str, resource: Resource) -> str:
    """Write a resource in its canonical form."""
    form = services()[service].forms[resource.form]
    return _fill(form.arns[0] if resource.is_arn else form.write, resource.given)


def arns_of(service: str, kind: str, resource: Resource | None, realm: Realm) -> Iterator[str]:
    """Yield the ARNs by which actions on a type of resource are limited to what was named."""
    given = resource.given if resource else {}
    patterns = services()[service].types[kind]
    named = {pattern: len(given.keys() & set(_NAME.findall(pattern))) for pattern in patterns}
    most = max(named.values())
    for pattern, count in named.items():
        if count == most:
            yield squeeze(_fill(pattern, {**realm.parts, **given}))


def squeeze(text: str) -> str:
    """Write a wildcard once where it stands several times in a row."""
    return re.sub(r"\*{2,}", "*", text)


def fill_named(pattern: str, given: Mapping[str, str]) -> str | None:
    """Fill a pattern in; None unless all that it names was given."""
    if not given.keys() >= set(_NAME.findall(pattern)):
        return None
    return _fill(pattern, given)


def names_in(service: Service) -> dict[str, str]:
    """Return what names look like to people: `{bucket}` is BUCKET."""
    return {name: name.upper() for name in service.names}


def _fill(pattern: str, given: Mapping[str, str]) -> str:
    return _NAME.sub(lambda match: given.get(match[1], "*"), pattern)


@cache
def _patterns(service: str, form: str) -> tuple[re.Pattern[str], ...]:
    """Return what a form is recognised by, the most definite first."""
    found = services()[service]
    names = {**_REALM, **found.names}
    written = found.forms[form]
    return tuple(_regex(each, names) for each in (*written.arns, written.write, *written.short))


def _regex(pattern: str, names: Mapping[str, str]) -> re.Pattern[str]:
    parts = _NAME.split(pattern)
    texts, between = parts[::2], parts[1::2]
    groups = [f"(?P<{name}>{names[name]})" for name in between]
    return re.compile(
        "".join(map("".join, zip(map(re.escape, texts), [*groups, ""], strict=True)))
    )
