"""What people say of the laptop cloud's behaviour, as the bodies of its admin API."""

import json
from typing import Any

from cli.exits import Usage
from spawn.errors import Rejected, Transient
from spawn.runtime.home import SandboxFacts, locate, running
from spawn.runtime.supervisor.probe import ask

_STATUS_OF = {
    "InternalError": 500,
    "InsufficientInstanceCapacity": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
}
"""HTTP status by error code, 400 otherwise
(https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html)."""

UNLIMITED = "unlimited"


class Cloud:
    """The running laptop cloud."""

    def __init__(self, facts: SandboxFacts) -> None:
        self._facts = facts

    def state(self) -> Any:
        """Return what it holds and has done."""
        return self.ask("state", None)

    def set(self, section: str, body: dict[str, Any]) -> None:
        """Set a section of its behaviour; raise `Rejected` with what it says is wrong."""
        self.ask(section, body)

    def ask(self, path: str, body: dict[str, Any] | None) -> Any:
        """Return the answer to an admin call; raise `Rejected` with what it says is wrong."""
        url = f"{self._facts.endpoint}/_spawn/{path}"
        sent = None if body is None else json.dumps(body).encode()
        try:
            status, answer = ask(url, token=self._facts.admin_token, body=sent)
        except OSError as error:
            raise Transient(
                f"the laptop cloud at {self._facts.endpoint} does not answer ({error});"
                " `spawn doctor` says more"
            ) from error
        decoded = json.loads(answer)
        if status >= 400:  # noqa: PLR2004 - HTTP's errors
            raise Rejected(f"the laptop cloud refuses: {decoded.get('error', answer)}")
        return decoded


def find_facts() -> SandboxFacts:
    """Return where the running laptop cloud is; say what to do when there is none."""
    state = running(locate())
    if state is None:
        raise Transient("no control plane is running: start one with `spawn up --sandbox`")
    if state.sandbox is None:
        raise Rejected(
            "the control plane that runs is on AWS: end it with `spawn down`, then start one with"
            " `spawn up --sandbox`"
        )
    return state.sandbox


def capacity(free: str, *, market: str, instance_type: str, zone: str) -> dict[str, Any]:
    """Return a capacity rule; `free` is a number or `unlimited`."""
    if free != UNLIMITED and not free.isdecimal():
        raise Usage(f"FREE={free!r}: give a number of instances, or {UNLIMITED}")
    return {
        "free": None if free == UNLIMITED else int(free),
        "market": market,
        "instance_type": instance_type,
        "zone": zone,
    }


def fault(code: str, *, status: int | None, message: str) -> dict[str, Any]:
    """Return what an error answer looks like."""
    body: dict[str, Any] = {"code": code, "status": status or _STATUS_OF.get(code, 400)}
    return {**body, "message": message} if message else body


def throttle(words: list[str], *, service: str) -> dict[str, Any]:
    """Return a throttle body from `on`, `off` and rules.

    A rule is `API=BURST/PER_SECOND`, with `,BURST/PER_SECOND` for the resource bucket behind
    it, or `API=unlimited`.
    """
    body: dict[str, Any] = {}
    rules: list[dict[str, Any]] = []
    for word in words:
        if word in {"on", "off"}:
            body["enabled"] = word == "on"
        else:
            rules.append({"service": service, **_rule(word)})
    return {**body, "rules": rules} if rules else body


def delay(text: str) -> float | list[float]:
    """Return seconds, or `[low, high]` for `LOW-HIGH`; `off` is 0."""
    if text == "off":
        return 0.0
    try:
        parts = [float(part) for part in text.split("-")]
    except ValueError:
        parts = []
    match parts:
        case [low]:
            return low
        case [low, high] if low <= high:
            return [low, high]
        case _:
            raise Usage(f"{text!r}: give seconds (0.2), a range (0.1-0.5) or off")


def _rule(word: str) -> dict[str, Any]:
    api, found, rates = word.partition("=")
    try:
        if not api or not found:
            raise ValueError(word)  # noqa: TRY301 - one message for all that is wrong
        if rates == UNLIMITED:
            return {"api": api}
        requests, _, resources = rates.partition(",")
        rule: dict[str, Any] = {"api": api, "requests": _rate(requests)}
    except ValueError as error:
        raise Usage(
            f"{word!r}: give on, off, API=BURST/PER_SECOND (RunInstances=5/2) or API={UNLIMITED}"
        ) from error
    return {**rule, "resources": _rate(resources)} if resources else rule


def _rate(text: str) -> dict[str, float]:
    burst, _, per_second = text.partition("/")
    return {"burst": float(burst), "per_second": float(per_second)}
