"""`spawn sandbox price` and `score`: what spot costs on the laptop, and how its zones score."""

from typing import Annotated

import typer

from cli.cloud import Cloud, find_facts
from cli.render import note

Zone = Annotated[str, typer.Option(help="One zone, or * for any.")]


def price(
    usd: Annotated[float, typer.Argument(help="US dollars for a machine and hour.", min=0.0001)],
    *,
    instance_type: Annotated[str, typer.Option(help="One type, or * for any.")] = "*",
    zone: Zone = "*",
) -> None:
    """Set what spot costs in the pools that match."""
    body = {"usd": usd, "instance_type": instance_type, "zone": zone}
    Cloud(find_facts()).set("price", body)
    note(f"spot {instance_type} {zone} costs {usd} $/h")


def score(
    points: Annotated[int, typer.Argument(help="From 1, no capacity, to 10.", min=1, max=10)],
    *,
    zone: Zone = "*",
) -> None:
    """Set how AWS scores the zones' capacity for spot."""
    Cloud(find_facts()).set("score", {"score": points, "zone": zone})
    note(f"score of {zone}: {points}")
