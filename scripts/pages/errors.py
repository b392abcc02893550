"""Every failure: its text, its cause and what to do about it."""

from collections.abc import Iterable, Iterator, Mapping

from cli.exits import ended_by
from scripts.pages.advice import CAUSES, CODES
from scripts.pages.failures import Failure, failures
from scripts.pages.markdown import code, page, table
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient

_INTRODUCTION = """\
Whatever fails, fails as one of four outcomes, for a cause, with a text for people; many have a
code for programs. Texts name the thing, the value, and what is right, so that most need no
explanation: look for yours here by its first words. `{name}` stands for what is filled in.

Where the failure is seen: a command prints the text and ends with the outcome's exit code;
`array.rejected`, `array.failed`, `lease.refused` and `hostname.refused` carry it; a request on the
bus is answered with the code in the header `Nats-Service-Error`, and all of it in the body.
Failures of AWS carry AWS' own code and text, with what to do behind it."""

_OUTCOMES: tuple[type[Outcome], ...] = (Rejected, NotFound, Conflict, Transient)

_PLACES = {
    "spawn/contracts": "What is asked for",
    "spawn/permissions": "Permissions",
    "spawn/aws": "AWS",
    "spawn/bus": "The bus",
    "spawn/runtime": "The control plane on a host, and its settings",
    "services/launcher": "The launcher",
    "services/iam_broker": "The IAM broker",
    "services/spot_watcher": "The spot watcher",
    "services/dns": "The DNS service",
    "services/ttl": "The TTL service",
    "cli": "Commands",
}


def files() -> Mapping[str, str]:
    """Return the page by path under docs/."""
    found = failures()
    parts = (
        f"## Outcomes\n\n{table(('outcome', 'exit code', 'meaning'), _outcomes())}",
        f"## Causes\n\n{table(('cause', 'meaning, and what to do'), _causes())}",
        f"## Codes\n\n{table(('code', 'texts', 'meaning, and what to do'), _codes(found))}",
        *_texts(found),
    )
    return {"errors.md": page("Failures", _INTRODUCTION, *parts)}


def place_of(module: str) -> str:
    """Return the heading under which failures of a module stand."""
    return next(title for start, title in _PLACES.items() if module.startswith(start))


def _outcomes() -> Iterator[tuple[str, str, str]]:
    for kind in _OUTCOMES:
        lines = (kind.__doc__ or "").splitlines()
        yield code(kind.__name__), str(int(ended_by(kind("")).code)), lines[0]


def _causes() -> Iterator[tuple[str, str]]:
    return ((code(cause), CAUSES[cause]) for cause in Cause)


def _codes(found: Iterable[Failure]) -> Iterator[tuple[str, str, str]]:
    texts: dict[str, list[str]] = {}
    for failure in found:
        if failure.code:
            texts.setdefault(failure.code, []).append(failure.text)
    for name in sorted(texts):
        said = [code(text) for text in sorted(set(filter(None, texts[name])))]
        yield code(name), "<br>".join(said), CODES[name]


def _texts(found: Iterable[Failure]) -> Iterator[str]:
    """Yield a section for each place: what it says without a code of its own."""
    rows: dict[str, set[tuple[str, str, str]]] = {title: set() for title in _PLACES.values()}
    for failure in found:
        if failure.text and not failure.code:
            row = (code(failure.text), code(failure.kind), code(failure.field))
            rows[place_of(failure.module)].add(row)
    for title, each in rows.items():
        if each:
            yield f"## {title}\n\n{table(('text', 'outcome', 'names'), sorted(each))}"
