"""What the flags of `launch` for notices and checkpoints are called."""

from typing import Annotated

import typer

from spawn.contracts import checkpoints

OnInterruption = Annotated[
    checkpoints.OnInterruption | None,
    typer.Option(
        help="What an interruption means: a checkpoint (the default with a script), or that the"
        " cloud hibernates, stops or terminates the machine."
    ),
]
OnRebalance = Annotated[
    checkpoints.OnRebalance | None,
    typer.Option(help="What it means that one has become likelier; nothing if left out."),
]
Script = Annotated[
    str,
    typer.Option(
        "--checkpoint-script",
        help="What saves a machine's work when it has to go.",
        metavar="TEXT|@FILE|s3://…|https://…",
    ),
]
Timeout = Annotated[
    str,
    typer.Option(
        "--checkpoint-timeout",
        help="How long that may take; 90s if left out.",
        metavar="DURATION",
    ),
]
Signal = Annotated[
    checkpoints.CheckpointSignal | None,
    typer.Option(
        "--checkpoint-signal", help="When the job gets its SIGTERM: first, or last (the default)."
    ),
]
Uri = Annotated[
    str,
    typer.Option(
        "--checkpoint-uri",
        help="Where checkpoints go, by array and rank; machines may read and write there.",
        metavar="s3://BUCKET/PREFIX",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--checkpoint-strict", help="Fail a machine that can't have its script, at its boot."
    ),
]
