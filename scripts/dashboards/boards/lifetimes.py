"""What ends when, whether it does, and who has how many machines."""

from scripts.dashboards.grafana import Board, Panel, Query
from scripts.dashboards.queries import PAID, growth, largest, one, spread

LIFETIMES = Board(
    uid="spawn-lifetimes",
    title="spawn / lifetimes and money",
    about="What ends when, whether it does, and who pays for how many machines.",
    rows=(
        (
            Panel(
                title="Leases",
                queries=one(largest("spawn_ttl_leases"), "all"),
                about="One for each living array.",
                kind="stat",
            ),
            Panel(
                title="Leases that end soon",
                queries=one(largest("spawn_ttl_leases_ending", "within"), "within {{within}}"),
                about="Those that end sooner are counted too.",
            ),
            Panel(
                title="Leases overdue",
                queries=one(largest("spawn_ttl_leases_overdue"), "overdue"),
                about="Over for a minute and still there. Machines take a while to go; what stays"
                " for ten minutes is wrong.",
            ),
        ),
        (
            Panel(
                title="How late leases end",
                queries=spread("spawn_ttl_lateness_seconds"),
                unit="s",
                about="From a lease's end until the launcher has been asked to act on it.",
            ),
            Panel(
                title="Leases in an hour",
                queries=(
                    Query(expression=growth("spawn_ttl_expired_total"), legend="ended"),
                    Query(expression=growth("spawn_ttl_warnings_total"), legend="warned of"),
                    Query(
                        expression=growth("spawn_ttl_changes_total", "outcome"),
                        legend="change {{outcome}}",
                    ),
                ),
                about="Ends, warnings, and changes that were asked for.",
            ),
            Panel(
                title="What the sweep has put right, in an hour",
                queries=one(growth("spawn_ttl_repairs_total", "kind"), "{{kind}}"),
                about="A few after an outage are what sweeps are for; many are a defect.",
            ),
        ),
        (
            Panel(
                title="Money an hour by owner",
                queries=one(largest("spawn_launcher_cost_usd_per_hour", "owner"), "{{owner}}"),
                unit="currencyUSD",
                about="At the prices of now, for what runs.",
            ),
            Panel(
                title="Machines without a known price",
                queries=one(largest("spawn_launcher_unpriced_instances"), "machines"),
                about="They cost something all the same.",
            ),
        ),
        (
            Panel(
                title="Machine hours of the last day by owner",
                queries=one(
                    f"sum by (owner) (sum_over_time({PAID}[1d:1m])) / 60",
                    "{{owner}}",
                ),
                unit="h",
                about="Each minute of each machine that is paid for.",
            ),
            Panel(
                title="Machine hours of the last day by market",
                queries=one(
                    f"sum by (market) (sum_over_time({PAID}[1d:1m])) / 60",
                    "{{market}}",
                ),
                unit="h",
                about="Each minute of each machine that is paid for.",
            ),
        ),
    ),
)
