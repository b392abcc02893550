"""The TTL service's own nouns: what is to be done with a lease now."""

from datetime import datetime, timedelta

import msgspec

from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import IdleScope
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.leases import LeaseAction


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a plan decides; `reason` is for the log."""

    reason: str


class Wait(Step, frozen=True, kw_only=True):
    """Have the timer be due at `at`: until then there is nothing to do."""

    at: datetime


class Warn(Step, frozen=True, kw_only=True):
    """Write the record that gives a warning."""

    record: LeaseRecord


class Expire(Step, frozen=True, kw_only=True):
    """Write the record of a lease that is over."""

    record: LeaseRecord


class Act(Step, frozen=True, kw_only=True):
    """Ask the launcher to act on a lease that is over."""


class Idling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An array whose idleness counts, and as what: the part of its record that decides.

    `is_settled` is whether it has been launched, with all that it asked for.
    """

    array_id: ArrayId
    timeout: timedelta
    action: LeaseAction
    scope: IdleScope
    has_job: bool
    is_settled: bool


Steps = Wait | Warn | Expire | Act
