"""What the TTL service measures."""

from spawn.telemetry.metrics import counter, gauge, histogram

WARNED = counter("ttl", "warnings", "Warnings given that a lease ends soon.")
EXPIRED = counter("ttl", "expired", "Leases that have ended.")
CHANGES = counter("ttl", "changes", "Changes of leases asked for, by outcome.", ("outcome",))
LATENESS = histogram(
    "ttl", "lateness", "Time from a lease's end until the launcher has been asked to act on it."
)
REPAIRS = counter("ttl", "repairs", "What a sweep has put right, by kind.", ("kind",))
LEASES = gauge("ttl", "leases", "Leases at the last sweep.")
IDLED = counter("ttl", "idled", "Idle arrays and members acted on, by action.", ("action",))
