"""`spawn logs`: what the job of an array prints."""

import asyncio
from typing import Annotated

import typer

from cli.flags import ArrayArgument, JsonFlag, PlainFlag, parse_flag_duration
from cli.following import Unseen, Watch, is_finished, is_over
from cli.output import JsonPrinter, Prefix, TextPrinter
from cli.plane import Plane, open_plane
from cli.render import is_coloured, put_bytes
from cli.tailing import Tail
from cli.targets import check_ranks, parse_flag_ranks
from spawn.bus.beside import beside
from spawn.bus.logs import output_of
from spawn.contracts.arrays import Array


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


def logs(  # noqa: PLR0913 - a parameter for each flag
    array: ArrayArgument,
    *,
    rank: Annotated[
        str, typer.Option(help="Only these members, e.g. 0,3-5.", metavar="RANKS")
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Only what came in the last, e.g. 10m.", metavar="DURATION")
    ] = "",
    plain: PlainFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what the job prints, line by line behind the member's name."""
    ranks = parse_flag_ranks("--rank", rank)
    age = parse_flag_duration("--since", since)

    async def run() -> None:
        async with open_plane() as plane:
            found = await plane.find(array)
            check_ranks(found.name, found.size, ranks)
            begin = plane.clock.now() - age if age else None
            prefix = Prefix(found.name, wanted=not plain, coloured=is_coloured())
            text = TextPrinter(prefix, put_bytes)
            printer = JsonPrinter(found.id, put_bytes) if as_json else text
            tail = Tail(plane, found.name, output_of(found.id, ranks, since=begin), printer)
            await _show(plane, found, tail, follow=follow)

    asyncio.run(run())


async def _show(plane: Plane, array: Array, tail: Tail, *, follow: bool) -> None:
    if follow:
        watch = Watch(plane, array, Unseen())
        async with beside(tail.follow()):
            await watch.until(is_finished if array.has_job else is_over)
    await tail.drain()
