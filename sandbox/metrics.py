"""What the laptop cloud counts."""

from spawn.telemetry import metrics

CALLS = metrics.counter(
    "sandbox",
    "calls",
    "AWS API calls answered, by service, API and outcome.",
    ("aws_service", "api", "outcome"),
)
SECONDS = metrics.histogram("sandbox", "call", "Time to answer an AWS API call.", ("aws_service",))
THROTTLED = metrics.counter(
    "sandbox", "throttled", "AWS API calls refused by a token bucket.", ("aws_service", "api")
)
INSTANCES = metrics.gauge(
    "sandbox", "instances", "Instances that are listed, by state and region.", ("state", "region")
)
FAULTS = metrics.counter("sandbox", "faults", "Faults that hit a call, by kind.", ("kind",))
EVENTS = metrics.counter("sandbox", "events", "State-change events sent to EventBridge.")
