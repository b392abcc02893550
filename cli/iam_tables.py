"""How permissions and grants are written for people."""

import json
from collections.abc import Iterator

from cli.granting import ACCOUNT, REGION
from cli.launch_permissions import warning
from cli.lines import format_local
from cli.render import note, put, put_table
from spawn.contracts.grants import CollectedGrants, Grant, GrantDescription
from spawn.permissions.items import example_forms
from spawn.permissions.resources import names_in
from spawn.permissions.templates import Level, Service, services

SERVICES = ("service", "levels", "resources", "what it is")
LEVELS = ("level", "what it does", "actions")
FORMS = ("resource", "also written", "levels")
GRANTS = ("role", "used", "allows")
COLLECTED = ("role", "verdict", "reason")


def service_rows() -> Iterator[tuple[object, ...]]:
    """Yield the cells of every service, in the order of `SERVICES`."""
    for name, service in services().items():
        widest = max(service.levels, key=lambda level: len(service.forms_of(level)))
        forms = " or ".join(example_forms(service, widest))
        yield name, ", ".join(service.levels), forms, service.title


def put_service(name: str) -> None:
    """Write what can be granted of one service."""
    service = services()[name]
    put(f"{name}: {service.title}")
    put_table(LEVELS, level_rows(service))
    if service.forms:
        put_table(FORMS, form_rows(service))
    if service.note:
        note(service.note)


def level_rows(service: Service) -> Iterator[tuple[object, ...]]:
    """Yield the cells of every level, in the order of `LEVELS`."""
    for level in service.levels:
        rules = [rule for rule in service.rules if level in rule.levels]
        actions = sorted({action for rule in rules for action in rule.actions})
        shown = "all of them" if "*" in actions else ", ".join(actions)
        yield level, service.words[level].rstrip(","), shown


def form_rows(service: Service) -> Iterator[tuple[object, ...]]:
    """Yield the cells of every way to write a resource, in the order of `FORMS`."""
    names = names_in(service) | {"partition": "aws", "region": REGION, "account": ACCOUNT}
    for form in service.forms.values():
        others = [text.format(**names) for text in (*form.short, *form.arns[:1])]
        levels: tuple[Level, ...] = form.levels or service.levels
        yield form.write.format(**names), " or ".join(others), ", ".join(levels)


def put_description(description: GrantDescription) -> None:
    """Write a document on stdout, and beside it, on stderr, all else that is to be said."""
    if description.document:
        put(json.dumps(json.loads(description.document), indent=2))
    for sentence in description.statements:
        note(f"may: {sentence}")
    for arn in description.managed:
        note(f"managed: {arn}")
    if description.role:
        note(f"role: {description.role}, never beyond the boundary {description.boundary}")
    note(f"size: {description.size} of {description.limit} characters")
    for each in description.warnings:
        note(warning(each))


def missing(document: str) -> Iterator[str]:
    """Yield what stands in a document for what is not known, and how to name it."""
    for word, flag in ((REGION, "--region"), (ACCOUNT, "--account, or start a control plane")):
        if f":{word}:" in document:
            yield f"{word} stands for yours: name it with {flag}"


def grant_cells(grant: Grant) -> tuple[object, ...]:
    """Return a grant's cells, in the order of `GRANTS`."""
    used = format_local(grant.used_at) if grant.used_at else ""
    return grant.role, used, "; ".join(grant.statements) or "nothing"


def put_collected(report: CollectedGrants) -> None:
    """Write which roles go and which stay, and why."""
    rows = [(role, "delete", "nothing uses it") for role in report.removed]
    rows += [(each.role, "keep", each.reason) for each in report.kept]
    if rows:
        put_table(COLLECTED, rows)
    else:
        note("there are no roles of this deployment")
