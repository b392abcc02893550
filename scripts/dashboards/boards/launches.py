"""How launches come out, where their time goes, and what AWS has to do with it."""

from scripts.dashboards.grafana import Board, Panel, Query
from scripts.dashboards.queries import growth, one, per_second, quantile, spread

LAUNCHES = Board(
    uid="spawn-launches",
    title="spawn / launches",
    about="How launches come out, where their time goes, and what AWS has to do with it.",
    rows=(
        (
            Panel(
                title="Launches in an hour by outcome",
                queries=one(growth("spawn_launcher_launches_total", "outcome"), "{{outcome}}"),
                about="ended: somebody ended it before it was ready.",
            ),
            Panel(
                title="Time until ready",
                queries=spread("spawn_launcher_launch_duration_seconds"),
                unit="s",
                about="From the acceptance of an array until all of it is there.",
            ),
            Panel(
                title="Time by phase, on average",
                queries=one(
                    f"{per_second('spawn_launcher_launch_phase_seconds_sum', 'phase')}"
                    f" / {per_second('spawn_launcher_launch_phase_seconds_count', 'phase')}",
                    "{{phase}}",
                ),
                unit="s",
                about="placing: image, zones, grant; launching: calls and EC2's rate; booting:"
                " until EC2 says running; meeting: agents and names.",
            ),
        ),
        (
            Panel(
                title="Why launches failed or were refused, in an hour",
                queries=one(growth("spawn_launcher_launch_failures_total", "code"), "{{code}}"),
                about="Codes are those of docs/errors.md, and AWS' own.",
            ),
            Panel(
                title="Pools without capacity, in an hour",
                queries=one(
                    growth("spawn_launcher_capacity_errors_total", "market", "family"),
                    "{{market}} {{family}}",
                ),
                about="Calls that got nothing or too little; the launch goes on to the next pool.",
            ),
        ),
        (
            Panel(
                title="AWS calls",
                queries=one(per_second("spawn_aws_calls_total", "api"), "{{api}}"),
                unit="reqps",
                about="By API, failed ones counted too.",
            ),
            Panel(
                title="AWS calls by outcome",
                queries=one(per_second("spawn_aws_calls_total", "outcome"), "{{outcome}}"),
                unit="reqps",
                about="ok, or the cause of the failure.",
            ),
            Panel(
                title="Time of AWS calls, 95 of 100",
                queries=one(quantile("0.95", "spawn_aws_call_duration_seconds", "api"), "{{api}}"),
                unit="s",
                about="From call to answer.",
            ),
        ),
        (
            Panel(
                title="Calls that wait for their turn",
                queries=one(per_second("spawn_aws_pacing_wait_seconds_sum", "api"), "{{api}}"),
                about="On average, because AWS' rate for the API is used up.",
            ),
            Panel(
                title="Throttled calls, in an hour",
                queries=one(growth("spawn_aws_throttles_total", "api"), "{{api}}"),
                about="Refused for rate: somebody else uses the same account and region.",
            ),
            Panel(
                title="Permissions",
                queries=(
                    Query(
                        expression=growth("spawn_iam_broker_grant_steps_total", "step"),
                        legend="{{step}}",
                    ),
                    Query(
                        expression=growth("spawn_iam_broker_grants_collected_total"),
                        legend="collected",
                    ),
                ),
                about="Changes made in IAM in an hour.",
            ),
        ),
    ),
)
