"""What the runtime counts."""

from spawn.telemetry.metrics import counter, gauge, histogram

RESTARTS = counter("runtime", "restarts", "Parts started again after they ended", ("part",))
TIMER_ERRORS = counter("runtime", "timer_errors", "Runs of a timer that raised", ("timer",))
TIMER_SECONDS = histogram(
    "runtime", "timer_duration", "Time that a run of a timer took", ("timer",)
)
LOOP_LAG = histogram(
    "runtime",
    "loop_lag",
    "How much later than asked the event loop woke a waiting task",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LOOP_LAG_MAX = gauge("runtime", "loop_lag_max_seconds", "The longest such delay so far")
LOOP_HELD_MAX = gauge(
    "runtime",
    "loop_held_max_seconds",
    "The longest such delay that this process' own work, and not the machine's, accounts for",
)
READY = gauge("runtime", "ready", "1 while the bus is connected and every service is open")
OPEN = gauge("runtime", "service_open", "1 while a service of this process is open", ("service",))
