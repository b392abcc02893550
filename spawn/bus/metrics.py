"""What the bus door counts."""

from spawn.telemetry.metrics import counter, from_zero, gauge, histogram

PUBLISHES = counter(
    "bus",
    "publishes",
    "Messages handed to JetStream, by stream and outcome",
    ("stream", "outcome"),
)
PUBLISH_SECONDS = histogram("bus", "publish_duration", "Time from publish to acknowledgement")
SLOW_PUBLISHES = counter("bus", "slow_publishes", "Publishes that took longer than 0.5 s")
ACKS = counter("bus", "acks", "How deliveries ended", ("consumer", "outcome"))
REDELIVERIES = counter("bus", "redeliveries", "Messages delivered again", ("consumer",))
LAG = histogram(
    "bus", "lag", "Time from a message's storing until a handler first has it", ("consumer",)
)
BACKLOG = gauge(
    "bus",
    "backlog_messages",
    "Messages that a consumer still has to settle; each replica says the same",
    ("consumer",),
)
DEAD_LETTERS = counter("bus", "dead_letters", "Messages put aside, by reason", ("reason",))
from_zero(DEAD_LETTERS, "schema", "crash", "error", "verb", "unaddressed")
HANDLER_ERRORS = counter("bus", "handler_errors", "Handlers that raised no outcome", ("consumer",))
RECONNECTS = counter("bus", "reconnects", "Connections made again after a loss")
CALLBACK_ERRORS = counter(
    "bus", "client_errors", "Errors that the NATS client reported", ("kind",)
)
CONNECTED = gauge("bus", "connected", "1 while the bus is connected")
UNREADABLE = counter("bus", "unreadable_records", "Records that do not decode", ("source",))
REQUESTS = counter(
    "bus", "requests", "Requests answered, by endpoint and code", ("endpoint", "code")
)
FENCES_LOST = counter("bus", "fences_lost", "Exclusive holds lost before they were given back")
KNOCKS = counter("bus", "knocks", "Who wanted to connect, by what was decided", ("verdict",))
