"""`spawn sandbox interrupt`, `rebalance` and `notices`: what the laptop cloud takes back."""

from typing import Annotated, Any

import typer

from cli import cloud
from cli.cloud import Cloud, find_facts
from cli.exits import Usage
from cli.render import note, put
from cli.targets import split_target
from spawn.contracts.counts import counted
from spawn.contracts.durations import parse_duration
from spawn.errors import Rejected

Target = Annotated[str, typer.Argument(help="ARRAY, ARRAY:3 or ARRAY:0,3-5.", show_default=False)]


def interrupt(
    target: Target,
    *,
    lead: Annotated[
        str, typer.Option("--in", help="Time from the warning to the end; 2m unless set.")
    ] = "",
    silent: Annotated[bool, typer.Option("--silent", help="Take them without a warning.")] = False,
) -> None:
    """Take spot instances back, with EC2's warning before."""
    body: dict[str, Any] = {**_chosen(target), "silent": silent}
    if lead:
        try:
            body["lead"] = parse_duration(lead).total_seconds()
        except Rejected as error:
            raise Usage(f"--in: {error.message}") from error
    taken = _ask("interrupt", body)
    how = "without a warning" if silent else "with a warning"
    note(f"{counted(len(taken), 'instance')} taken back {how}")


def rebalance(target: Target) -> None:
    """Say, as EC2 does, that spot instances are likelier to be interrupted."""
    note(f"{counted(len(_ask('rebalance', _chosen(target))), 'instance')} told of")


def notices(
    *,
    lead: Annotated[str, typer.Option(help="Seconds from warning to end, or LOW-HIGH.")] = "",
    events_late: Annotated[
        str, typer.Option(help="Seconds that EventBridge is late, LOW-HIGH, or off.")
    ] = "",
    metadata_late: Annotated[
        str, typer.Option(help="Seconds that metadata is late, LOW-HIGH, or off.")
    ] = "",
    loss: Annotated[
        float | None, typer.Option(min=0, max=1, help="Part of the events that are lost.")
    ] = None,
    duplicates: Annotated[
        float | None, typer.Option(min=0, max=1, help="Part of them that come twice.")
    ] = None,
) -> None:
    """Set how the cloud warns: when, how late, and whether at all."""
    times = {"lead": lead, "events_late": events_late, "metadata_late": metadata_late}
    body: dict[str, Any] = {name: cloud.delay(text) for name, text in times.items() if text}
    parts = {"loss": loss, "duplicates": duplicates}
    body |= {name: part for name, part in parts.items() if part is not None}
    if not body:
        raise Usage("say what is to change, such as --events-late 5 or --loss 1")
    Cloud(find_facts()).set("notices", body)
    note("notices: " + ", ".join(f"{name} {value}" for name, value in body.items()))


def _chosen(target: str) -> dict[str, Any]:
    name, ranks = split_target(target)
    return {"array": name, "ranks": list(ranks)}


def _ask(what: str, body: dict[str, Any]) -> list[str]:
    taken: list[str] = Cloud(find_facts()).ask(what, body)["instances"]
    for instance_id in taken:
        put(instance_id)
    return taken
