"""The TTL service's own nouns: what is to be done with a lease now."""

from datetime import datetime

import msgspec

from spawn.contracts.lease_records import LeaseRecord


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


Steps = Wait | Warn | Expire | Act
