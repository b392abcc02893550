"""What is told of stops and starts; `spawn.contracts.events` has all events."""

from spawn.contracts.event_kinds import EventData
from spawn.contracts.power import PowerTo


class PowerAsked(EventData, frozen=True, kw_only=True, tag="power.asked"):
    """It is recorded that these machines, as ranges, are to be stopped, hibernated or started."""

    request_id: str
    to: PowerTo
    ranks: str
    reason: str = ""


class PowerRefused(EventData, frozen=True, kw_only=True, tag="power.refused"):
    """Nothing is stopped or started by this request."""

    request_id: str
    code: str
    message: str
    field: str = ""


class PowerSettled(EventData, frozen=True, kw_only=True, tag="power.settled"):
    """The request is over: `ranks`, as ranges, are as it wanted.

    Of those, `fell_back` are stopped where they were to hibernate. What it wanted of `left` is
    given up, since another request or the array's end came, or for `reason`.
    """

    request_id: str
    to: PowerTo
    ranks: str
    fell_back: str = ""
    left: str = ""
    reason: str = ""
