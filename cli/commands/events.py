"""`spawn events`: what has happened, and with -f what happens."""

import asyncio
from contextlib import aclosing
from typing import Annotated

import typer

from cli.cloudevents import structured
from cli.completion import complete_array
from cli.flags import JsonFlag
from cli.lines import event_line
from cli.plane import Plane, open_plane
from cli.render import put, put_json
from spawn.bus.ports import CaughtUp, Followed
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.errors import NotFound


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("events")(events)


def events(
    array: Annotated[
        str,
        typer.Argument(
            metavar="[ARRAY]",
            help="The array's name or id; all arrays if left out.",
            autocompletion=complete_array,
        ),
    ] = "",
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what has happened, and follow what happens."""
    asyncio.run(_events(array, follow=follow, as_json=as_json))


async def _events(text: str, *, follow: bool, as_json: bool) -> None:
    async with open_plane() as plane:
        array = await _resolve(plane, text) if text else None
        async with aclosing(plane.follow(array, from_first=True)) as items:
            async for item in items:
                match item:
                    case Followed():
                        _show(item, as_json=as_json)
                    case CaughtUp() if not follow:
                        return
                    case _:
                        pass


async def _resolve(plane: Plane, text: str) -> ArrayId:
    """Return the array's id; events outlive records, so an id is taken as it is."""
    try:
        return (await plane.find(text)).id
    except NotFound:
        if not is_array_id(text):
            raise
        return ArrayId(text)


def _show(item: Followed, *, as_json: bool) -> None:
    if as_json:
        put_json(structured(item.event, item.headers))
    else:
        put(event_line(item.event))
