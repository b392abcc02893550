"""Flags of `launch` that say which members get successors."""

from typing import Annotated

import typer

Replace = Annotated[
    bool | None,
    typer.Option(
        "--replace/--no-replace",
        help="Replace spot machines that are taken away; on where they make a checkpoint.",
        show_default=False,
    ),
]
Maintain = Annotated[
    bool,
    typer.Option("--maintain", help="Replace every machine that is lost, for whatever reason."),
]
