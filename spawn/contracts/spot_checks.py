"""What a launch may ask of the spot market."""

from spawn.contracts.checkpoints import OnInterruption, OnRebalance
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import Allocation
from spawn.errors import Rejected

HIGHEST_PRICE = 1000.0
"""US dollars an hour, above the price of any type: a larger bid is a slip of the pen."""


def check_spot(spec: LaunchSpec) -> None:
    """Raise `Rejected` for terms of spot that are out of range or have no spot to apply to."""
    if not 0 <= spec.spot_count <= spec.count:
        raise _wrong("spot_count", spec.spot_count, f"use 1 to the count, {spec.count}")
    if spec.maintain and spec.replace is False:
        message = "with --maintain all that is lost is replaced; leave one of the two out"
        raise _wrong("replace", spec.replace, message)
    if spec.uses_spot:
        _check_price(spec.spot_max_price)
        _check_kept(spec)
        _check_rebalance(spec)
    else:
        _check_without_spot(spec)


def _check_without_spot(spec: LaunchSpec) -> None:
    without = {
        "spot_max_price": spec.spot_max_price is not None,
        "spot_fallback": spec.spot_fallback,
    }
    for field, is_given in without.items():
        if is_given:
            message = "it is for spot capacity, which this launch asks for none of; add --spot"
            raise _wrong(field, getattr(spec, field), message)
    if spec.on_rebalance is not OnRebalance.IGNORE:
        message = "only spot machines are told that they are in danger; add --spot"
        raise _wrong("on_rebalance", spec.on_rebalance, message)
    if spec.replace and not spec.maintain:
        message = "only spot machines are taken away; add --spot, or use --maintain"
        raise _wrong("replace", spec.replace, message)
    if spec.allocation is Allocation.CAPACITY:
        message = "AWS scores the capacity of spot alone; add --spot, or use lowest-price"
        raise _wrong("allocation", spec.allocation, message)


def _check_kept(spec: LaunchSpec) -> None:
    """Raise `Rejected` where an interrupted machine is to be kept and to be replaced as well."""
    kept = spec.on_interruption in {OnInterruption.STOP, OnInterruption.HIBERNATE}
    if kept and (spec.replace or spec.maintain):
        message = "it keeps the machine, which a successor would have ended: leave out --replace"
        raise _wrong("on_interruption", spec.on_interruption, f"{message} and --maintain")


def _check_price(price: float | None) -> None:
    if price is not None and not 0 < price <= HIGHEST_PRICE:
        expected = (
            f"use US dollars for one machine and hour, above 0 and {HIGHEST_PRICE:.0f} at most"
        )
        raise _wrong("spot_max_price", price, expected)


def _check_rebalance(spec: LaunchSpec) -> None:
    default = OnInterruption.CHECKPOINT if spec.checkpoint_script else OnInterruption.TERMINATE
    saves = (spec.on_interruption or default) is OnInterruption.CHECKPOINT
    is_replaced = spec.maintain or (saves if spec.replace is None else spec.replace)
    if spec.on_rebalance is OnRebalance.REPLACE and not is_replaced:
        message = "this launch replaces no machine; add --replace, or leave it out"
        raise _wrong("on_rebalance", spec.on_rebalance, message)


def _wrong(field: str, value: object, expected: str) -> Rejected:
    return Rejected(f"{field}={str(value)!r}: {expected}", field=field)
