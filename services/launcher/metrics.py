"""What the launcher measures."""

from spawn.telemetry.metrics import counter, from_zero, gauge, histogram

LAUNCH_SECONDS = (0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200)
"""A machine of EC2 boots in 20 s to 2 minutes; EC2's rate holds large arrays up for minutes."""

LAUNCH_DURATION = histogram(
    "launcher",
    "launch_duration",
    "Time from the acceptance of an array until it is ready.",
    buckets=LAUNCH_SECONDS,
)
LAUNCH_PHASE = histogram(
    "launcher",
    "launch_phase",
    "Time that an array which became ready spent in each phase of its launch.",
    ("phase",),
    buckets=LAUNCH_SECONDS,
)
LAUNCHES = counter(
    "launcher", "launches", "Launches that are decided, by how they came out.", ("outcome",)
)
from_zero(LAUNCHES, "ready", "failed", "rejected", "ended")
FAILURES = counter(
    "launcher", "launch_failures", "Launches that were rejected or failed, by code.", ("code",)
)
CAPACITY = counter(
    "launcher",
    "capacity_errors",
    "Calls that found a pool without (enough) capacity, by market and instance family.",
    ("market", "family"),
)
ARRAYS = gauge("launcher", "arrays", "Arrays by state, those that are over left out.", ("state",))
MEMBERS = gauge("launcher", "members", "Members of living arrays by state.", ("state",))
INSTANCES = gauge(
    "launcher",
    "instances",
    "Instances that are paid for, by market and owner; beyond the 20 largest owners `others`.",
    ("owner", "market"),
)
COST = gauge(
    "launcher",
    "cost_usd_per_hour",
    "US dollars an hour that instances cost now, by owner; those without a price left out.",
    ("owner",),
)
UNPRICED = gauge("launcher", "unpriced_instances", "Instances whose price is not known.")
LOOKED = gauge(
    "launcher",
    "last_sweep_timestamp_seconds",
    "When all instances of a region were last looked at; the newest of all replicas counts.",
    ("region",),
)
DRIVER_FAILURES = counter("launcher", "driver_failures", "Drivers that ended by a defect.")
OBSERVER_FAILURES = counter("launcher", "observer_failures", "Observers that ended by a defect.")
UNCLAIMED = counter(
    "launcher",
    "unclaimed_instances",
    "Instances of ours that no record accounted for, by what became of them.",
    ("verdict",),
)
from_zero(UNCLAIMED, "adopt", "leave", "end")
