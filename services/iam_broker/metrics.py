"""What the IAM broker measures."""

from spawn.telemetry.metrics import counter, histogram

VERIFICATIONS = counter(
    "iam_broker", "verifications", "Signatures that STS was asked about, by answer.", ("answer",)
)
VERIFICATION_DURATION = histogram(
    "iam_broker", "verification_duration", "Time from a machine's knock until it is decided."
)
LOOKUPS = counter("iam_broker", "lookups", "Instances looked up in EC2 that no record names.")
CLOSED = counter("iam_broker", "connections_closed", "Connections of ended machines closed.")
GRANT_STEPS = counter("iam_broker", "grant_steps", "Changes made in IAM, by kind.", ("step",))
COLLECTED = counter("iam_broker", "grants_collected", "Grants deleted because nobody needed them.")
