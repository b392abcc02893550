"""The launcher's own nouns: what its plans look at and what they decide."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from spawn.contracts.arrays import Array, Chunk, Intent
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.instances import Described
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, member_key
from spawn.contracts.notices import Notice
from spawn.contracts.pools import Market
from spawn.contracts.power import PowerTo
from spawn.contracts.prices import Quote
from spawn.errors import Cause

VISIBILITY = timedelta(minutes=5)
"""How long EC2 may not list an instance that exists
(https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html)."""

OVERDUE = timedelta(minutes=1)
"""How far past its lease an array is ended here, unasked: time for the TTL service to ask."""

LEASE_GRACE = timedelta(minutes=10)
"""How far past its lease an instance of ours is ended whatever its record says."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """An array as its driver sees it: the records and what is already under way here.

    `placing` are numbers of chunks, `sending` tokens of intents, `ending` ids of instances,
    `calls` the AWS calls made for it so far, by API, and `told` the revision of the peers that
    its machines were last nudged about; `hostnames` are there once it has any. `lease` is what the
    TTL service has set, once it has, `own_leases` are those of ranks that have their own, and
    `may_tag` says that tags were not asked for a moment ago. `powered` says which instances
    were asked to be what a moment ago, `unpowered` says why EC2 has just refused to, and when.
    `notices` are by instance; `gathering_since` is when losses began to be gathered, and
    `released` are the instances that were told that their job may begin.
    """

    array: Array
    members: Mapping[int, Member]
    now: datetime
    placing: frozenset[int] = frozenset()
    sending: frozenset[ClientToken] = frozenset()
    ending: frozenset[InstanceId] = frozenset()
    calls: Mapping[str, int] = {}
    told: int = -1
    hostnames: Hostnames | None = None
    lease: Lease | None = None
    own_leases: Mapping[int, Lease] = {}
    may_tag: bool = True
    powered: frozenset[tuple[InstanceId, PowerTo]] = frozenset()
    unpowered: Mapping[InstanceId, tuple[str, datetime]] = {}
    notices: Mapping[InstanceId, tuple[Notice, ...]] = {}
    gathering_since: datetime | None = None
    released: frozenset[InstanceId] = frozenset()


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a plan decides; `reason` is for the log."""

    reason: str


class LookUp(Action, frozen=True, kw_only=True):
    """Find out where the array can be launched."""


class Place(Action, frozen=True, kw_only=True):
    """Ask a pool for a chunk: wait for a turn, write the intent, make the call."""

    chunk: Chunk


class Resend(Action, frozen=True, kw_only=True):
    """Send the stored request of an open intent, unchanged."""

    intent: Intent


class Trace(Action, frozen=True, kw_only=True):
    """Find out what an open intent has made without sending it again."""

    intent: Intent


class End(Action, frozen=True, kw_only=True):
    """End instances."""

    instance_ids: tuple[InstanceId, ...]


class Tag(Action, frozen=True, kw_only=True):
    """Have instances' tags tell of the lease: the array's, or that of `ranks` alone."""

    instance_ids: tuple[InstanceId, ...]
    lease: Lease
    ranks: tuple[int, ...] = ()


class SetPower(Action, frozen=True, kw_only=True):
    """Stop, hibernate or start instances."""

    instance_ids: tuple[InstanceId, ...]
    to: PowerTo


class Write(Action, frozen=True, kw_only=True):
    """Write the array's next state."""

    array: Array


class WriteMembers(Action, frozen=True, kw_only=True):
    """Write members' next records, and have their machines ask for what is new."""

    changes: tuple["MemberChange", ...]


class Nudge(Action, frozen=True, kw_only=True):
    """Tell every machine of the array that its peers are complete."""

    revision: int


class Gather(Action, frozen=True, kw_only=True):
    """Wait until an instant for more members that are lost with those that are."""

    until: datetime


class Release(Action, frozen=True, kw_only=True):
    """Tell a successor's machine that its job may begin."""

    instance_id: InstanceId


Step = (
    LookUp
    | Place
    | Resend
    | Trace
    | End
    | Nudge
    | Tag
    | SetPower
    | Gather
    | Release
    | Write
    | WriteMembers
)


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What EC2 answered to a RunInstances call that made nothing."""

    cause: Cause
    code: str
    message: str


class MemberChange(msgspec.Struct, frozen=True, kw_only=True):
    """A member's next record; `member.version` is one more than the record it replaces."""

    member: Member
    reason: str

    @property
    def key(self) -> str:
        """The key of the record."""
        return member_key(self.member.array_id, self.member.rank)


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a region: what EC2 listed, and the ids that it would have listed."""

    region: str
    listed: Mapping[InstanceId, Described]
    asked: frozenset[InstanceId]


class Machine(NamedTuple):
    """What the price of a machine depends on."""

    market: Market
    instance_type: str
    zone: str


ListedQuotes = dict[tuple[str, str], tuple[datetime, Quote | None]]
"""On-demand prices by region and type, each until when it is used; None is known to have none."""

SpotQuotes = dict[tuple[str, str], Quote]
"""Spot prices by type and zone."""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices that are known: on demand by type, of spot by type and zone."""

    on_demand: Mapping[str, Quote] = {}
    spot: Mapping[tuple[str, str], Quote] = {}

    def quote(self, machine: Machine) -> Quote | None:
        """Return the price of a machine, None when it is not known."""
        if machine.market is Market.SPOT:
            return self.spot.get((machine.instance_type, machine.zone))
        return self.on_demand.get(machine.instance_type)


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What AWS knows about where a spec may run: the input of placement.

    `types` are in order of preference; `architectures` and `offerings` (zones) are by instance
    type, as are `memories` in MiB; `hibernating` are types that can be hibernated; `subnets` are
    pairs of zone and subnet id, in the order in which zones are tried. `root_device` is empty for
    an image without an EBS root volume, and unless machines are to hibernate. `spot_types` can be
    had on spot; `zone_ids` are by zone. `prices` and `scores`, AWS's of zones for spot, from 1 to
    10, are there where they were asked for.
    """

    types: tuple[str, ...]
    image_id: str
    architecture: str
    architectures: Mapping[str, tuple[str, ...]]
    offerings: Mapping[str, tuple[str, ...]]
    subnets: tuple[tuple[str, str], ...]
    security_group_ids: tuple[str, ...]
    memories: Mapping[str, int] = {}
    hibernating: frozenset[str] = frozenset()
    root_device: str = ""
    root_gib: int = 0
    spot_types: frozenset[str] = frozenset()
    zone_ids: Mapping[str, str] = {}
    prices: Prices = Prices()
    scores: Mapping[str, int] = {}


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """Records made from the tags of instances whose array is unknown."""

    array: Array
    members: tuple[Member, ...]


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """What an assignment says of all members: how many there are, and their peers' revision."""

    size: int
    revision: int
