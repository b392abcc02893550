"""The on-demand prices that came with this release: for when AWS's own list can't be asked."""

from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from spawn.contracts.prices import PriceSource, Quote

_FILE = Path(__file__).with_name("on_demand.toml")


class _Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    region: str
    as_of: datetime
    usd: dict[str, dict[str, float]]


def snapshot_quote(region: str, instance_type: str) -> Quote | None:
    """Return the price of a type in a region as of the snapshot's date, None when it has none."""
    known = _snapshot()
    family, _, size = instance_type.partition(".")
    usd = known.usd.get(family, {}).get(size) if region == known.region else None
    if usd is None:
        return None
    return Quote(usd=usd, source=PriceSource.SNAPSHOT, as_of=known.as_of)


def snapshot_region() -> str:
    """Return the one region whose prices the snapshot has."""
    return _snapshot().region


@cache
def _snapshot() -> _Snapshot:
    return msgspec.toml.decode(_FILE.read_bytes(), type=_Snapshot)
