"""What the launcher measures."""

from spawn.telemetry.metrics import counter, gauge, histogram

LAUNCH_DURATION = histogram(
    "launcher", "launch_duration", "Time from the acceptance of an array until it is ready."
)
ARRAYS = gauge("launcher", "arrays", "Arrays by state, those that are over left out.", ("state",))
MEMBERS = gauge("launcher", "members", "Members of living arrays by state.", ("state",))
DRIVER_FAILURES = counter("launcher", "driver_failures", "Drivers that ended by a defect.")
OBSERVER_FAILURES = counter("launcher", "observer_failures", "Observers that ended by a defect.")
UNCLAIMED = counter(
    "launcher",
    "unclaimed_instances",
    "Instances of ours that no record accounted for, by what became of them.",
    ("verdict",),
)
