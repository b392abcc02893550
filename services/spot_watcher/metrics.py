"""What the spot watcher measures."""

from spawn.telemetry.metrics import counter, gauge, histogram

HEARD = counter(
    "spot_watcher", "heard", "What was said of instances, by source and kind.", ("source", "kind")
)
NOTICES = counter("spot_watcher", "notices", "Notices given, by kind.", ("kind",))
DROPPED = counter("spot_watcher", "dropped", "Messages dropped, by reason.", ("reason",))
DELAY = histogram(
    "spot_watcher", "notice_delay", "Time from what the cloud says to the machines being told."
)
NOT_DELETED = counter("spot_watcher", "not_deleted", "Messages that SQS did not delete when told.")
QUEUES = gauge("spot_watcher", "queues", "Queues that this replica reads.")
FORGOTTEN = counter("spot_watcher", "forgotten", "Records deleted once their arrays were over.")
