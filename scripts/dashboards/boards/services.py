"""Whether the control plane itself is well."""

from scripts.dashboards.grafana import Board, Panel, Query
from scripts.dashboards.queries import RANGE, growth, largest, one, per_second, quantile, spread

SERVICES = Board(
    uid="spawn-services",
    title="spawn / bus and services",
    about="Whether the control plane itself is well.",
    rows=(
        (
            Panel(
                title="Processes that answer",
                queries=one("sum by (job) (up)", "{{job}}"),
                about="As Prometheus sees them.",
                kind="stat",
            ),
            Panel(
                title="Replicas by service",
                queries=one("sum by (service) (spawn_runtime_service_open)", "{{service}}"),
                about="Those that are open for work.",
            ),
            Panel(
                title="Connected to the bus",
                queries=one("sum by (job) (spawn_bus_connected)", "{{job}}"),
                about="Processes that have their connection.",
            ),
        ),
        (
            Panel(
                title="How long messages wait, 95 of 100",
                queries=one(quantile("0.95", "spawn_bus_lag_seconds", "consumer"), "{{consumer}}"),
                unit="s",
                about="From a message's storing until a handler has it.",
            ),
            Panel(
                title="Messages to be settled",
                queries=one(largest("spawn_bus_backlog_messages", "consumer"), "{{consumer}}"),
                about="Not delivered yet, or not acknowledged yet.",
            ),
            Panel(
                title="Delivered again, and failed, in an hour",
                queries=(
                    Query(
                        expression=growth("spawn_bus_redeliveries_total", "consumer"),
                        legend="again: {{consumer}}",
                    ),
                    Query(
                        expression=growth("spawn_bus_handler_errors_total", "consumer"),
                        legend="defect: {{consumer}}",
                    ),
                ),
                about="Again: a process ended while it had them.",
            ),
        ),
        (
            Panel(
                title="Dead letters in an hour",
                queries=one(growth("spawn_bus_dead_letters_total", "reason"), "{{reason}}"),
                about="Messages that nobody can handle, kept in SPAWN_DEAD.",
            ),
            Panel(
                title="Publishing",
                queries=one(per_second("spawn_bus_publishes_total", "outcome"), "{{outcome}}"),
                unit="ops",
                about="Messages handed to JetStream.",
            ),
            Panel(
                title="Time until JetStream acknowledges",
                queries=spread("spawn_bus_publish_duration_seconds"),
                unit="s",
                about="Slow disks and clusters that elect show here first.",
            ),
        ),
        (
            Panel(
                title="Requests answered",
                queries=one(
                    per_second("spawn_bus_requests_total", "endpoint", "code"),
                    "{{endpoint}} {{code}}",
                ),
                unit="reqps",
                about="Commands that read, and machines that ask for their assignment.",
            ),
            Panel(
                title="Machines that knock, in an hour",
                queries=one(growth("spawn_bus_knocks_total", "verdict"), "{{verdict}}"),
                about="Connections by what the broker decided.",
            ),
            Panel(
                title="Parts started again, in an hour",
                queries=(
                    Query(
                        expression=growth("spawn_runtime_restarts_total"),
                        legend="parts",
                    ),
                    Query(
                        expression=growth("spawn_runtime_timer_errors_total"),
                        legend="timers that failed",
                    ),
                    Query(expression=growth("spawn_bus_reconnects_total"), legend="reconnects"),
                    Query(expression=growth("spawn_bus_fences_lost_total"), legend="fences lost"),
                ),
                about="Each is a failure that was mended.",
            ),
        ),
        (
            Panel(
                title="Event loop, 99 of 100",
                queries=one(quantile("0.99", "spawn_runtime_loop_lag_seconds"), "late by"),
                unit="s",
                about="How late waiting tasks are woken.",
            ),
            Panel(
                title="Memory",
                queries=one("process_resident_memory_bytes", "{{job}} {{instance}}"),
                unit="bytes",
                about="By process.",
            ),
            Panel(
                title="Processors",
                queries=one(f"rate(process_cpu_seconds_total[{RANGE}])", "{{job}} {{instance}}"),
                unit="percentunit",
                about="By process; 100 % is one core.",
            ),
        ),
    ),
)
