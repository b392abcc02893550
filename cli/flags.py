"""Flags and arguments that several commands share, and what their texts mean."""

from datetime import timedelta
from typing import Annotated

import typer

from cli.completion import complete_array
from cli.exits import Usage
from spawn.contracts.durations import parse_duration
from spawn.errors import Rejected

ArrayArgument = Annotated[
    str,
    typer.Argument(metavar="ARRAY", help="The array's name or id.", autocompletion=complete_array),
]
MembersArgument = Annotated[
    str,
    typer.Argument(
        metavar="ARRAY[:RANKS]",
        help="The array's name or id, and members such as 0,3-5; all if left out.",
        autocompletion=complete_array,
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
PlainFlag = Annotated[
    bool, typer.Option("--no-prefix", help="Lines as they are, without the member's name.")
]
TimeoutFlag = Annotated[
    str,
    typer.Option(
        "--timeout", metavar="DURATION", help="Stop waiting after this long, e.g. 10m; exit 6."
    ),
]


def parse_flag_duration(flag: str, text: str) -> timedelta | None:
    """Parse a duration given to a flag, none when it is empty; raise `Usage` naming the flag."""
    if not text:
        return None
    try:
        return parse_duration(text)
    except Rejected as error:
        raise Usage(f"{flag}: {error.message}") from error
