"""What the flags of `launch` for markets and prices are called."""

from typing import Annotated

import typer

from spawn.contracts import pools, prices

Spot = Annotated[bool, typer.Option("--spot", help="Use spot capacity, which may be interrupted.")]
SpotCount = Annotated[
    int | None,
    typer.Option(help="Members on spot; the others, from rank 0 on, are on demand."),
]
SpotMaxPrice = Annotated[
    float | None,
    typer.Option(help="Most to pay for a spot machine and hour; on-demand's if left out."),
]
SpotFallback = Annotated[
    bool, typer.Option("--spot-fallback", help="Take on-demand machines where spot is gone.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(help="US dollars for all of it: the lease ends before they are spent."),
]
MaxCostUnknown = Annotated[
    prices.UnknownCost | None,
    typer.Option(help="Whether to launch without a limit what has no price: refuse, allow."),
]
Allocation = Annotated[
    pools.Allocation | None,
    typer.Option(
        help="Which type and zone first: your order (the default), the lowest price, or the best"
        " score of capacity."
    ),
]
