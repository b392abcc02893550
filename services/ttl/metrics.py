"""What the TTL service measures."""

from spawn.telemetry.metrics import counter, from_zero, gauge, histogram

WARNED = counter("ttl", "warnings", "Warnings given that a lease ends soon.")
EXPIRED = counter("ttl", "expired", "Leases that have ended.")
CHANGES = counter("ttl", "changes", "Changes of leases asked for, by outcome.", ("outcome",))
LATENESS = histogram(
    "ttl",
    "lateness",
    "Time from a lease's end until the launcher has been asked to act on it.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
)
REPAIRS = counter("ttl", "repairs", "What a sweep has put right, by kind.", ("kind",))
from_zero(CHANGES, "set", "refused")
from_zero(REPAIRS, "overdue", "no timer", "not acted on", "no lease", "no lease for a timer")
LEASES = gauge("ttl", "leases", "Leases at the last sweep, of the replica that sweeps.")
ENDING = gauge(
    "ttl",
    "leases_ending",
    "Leases that end within so long of the last sweep, those that end sooner counted too.",
    ("within",),
)
OVERDUE = gauge(
    "ttl", "leases_overdue", "Leases that had ended a minute before the last sweep or earlier."
)
SWEPT = gauge(
    "ttl",
    "last_sweep_timestamp_seconds",
    "When all leases were last looked at; the newest of all replicas counts.",
)
IDLED = counter("ttl", "idled", "Idle arrays and members acted on, by action.", ("action",))
