"""`spawn spot`: the queue by which interruptions are heard of, per region."""

import asyncio
from typing import Annotated

import typer

from cli.flags import JsonFlag
from cli.plane import open_plane
from cli.render import note, put, put_json, put_table
from spawn.contracts.notices import (
    API_SETUP,
    API_WATCH,
    Setup,
    SetupRequest,
    Watch,
    Watched,
    WatchRequest,
)

COLUMNS = ("region", "heard", "queue", "reason")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        name="spot",
        help="Hear of what the cloud takes back, and set up that it is heard.",
        no_args_is_help=True,
    )
    group.command("setup")(setup)
    group.command("watch")(watch)
    app.add_typer(group)


def setup(
    *,
    region: Annotated[
        str, typer.Option(help="The region; the control plane's own unless set.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make the queue and the rules of a region; what is there already stays.

    Without them machines still read their own notices, some seconds later, and nobody hears of
    the end of one that could not say so.
    """
    made = asyncio.run(_setup(region))
    if as_json:
        put_json(made)
        return
    put(made.queue)
    for name in made.made:
        note(f"made or corrected {name}")
    if not made.made:
        note(f"everything was there in {made.region}")


def watch(*, as_json: JsonFlag = False) -> None:
    """Show the regions in which arrays live, and whether notices are heard there."""
    watched = asyncio.run(_watch())
    if as_json:
        put_json(watched)
        return
    if not watched.regions:
        note("no array lives: nothing is listened to")
        return
    put_table(COLUMNS, map(_cells, watched.regions))


async def _setup(region: str) -> Setup:
    async with open_plane() as plane:
        return await plane.requests.ask(API_SETUP, SetupRequest(region=region), Setup)


async def _watch() -> Watched:
    async with open_plane() as plane:
        return await plane.requests.ask(API_WATCH, WatchRequest(), Watched)


def _cells(watch: Watch) -> tuple[object, ...]:
    return watch.region, "yes" if watch.is_read else "no", watch.queue, watch.reason
