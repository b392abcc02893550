"""What there is now: arrays, members, machines and their names."""

from scripts.dashboards.grafana import Board, Panel, Query
from scripts.dashboards.queries import PAID, growth, largest, one, spread

FLEET = Board(
    uid="spawn-fleet",
    title="spawn / fleet",
    about="What there is now: arrays, members, machines and their names.",
    rows=(
        (
            Panel(
                title="Machines that are paid for",
                queries=one(f"sum({PAID})", "machines"),
                about="Pending and running instances of living arrays.",
                kind="stat",
            ),
            Panel(
                title="Arrays by state",
                queries=one(largest("spawn_launcher_arrays", "state"), "{{state}}"),
                about="Those that are over are left out. degraded: members were lost.",
            ),
            Panel(
                title="Members by state",
                queries=one(largest("spawn_launcher_members", "state"), "{{state}}"),
                about="launched: EC2 has made it; running: it boots; ready: its agent is there.",
            ),
        ),
        (
            Panel(
                title="Machines by owner",
                queries=one(f"sum by (owner) ({PAID})", "{{owner}}"),
                about="The 20 owners with the most machines are named.",
            ),
            Panel(
                title="Machines by market",
                queries=one(f"sum by (market) ({PAID})", "{{market}}"),
                about="How they are paid for.",
            ),
        ),
        (
            Panel(
                title="Machines that no record accounts for",
                queries=one(
                    growth("spawn_launcher_unclaimed_instances_total", "verdict"), "{{verdict}}"
                ),
                about="Found in an hour. adopt: a record was made of its tags; end: it was left"
                " over and is ended; leave: young, or its launch is being recorded.",
            ),
            Panel(
                title="Time since all machines were looked at",
                queries=one(
                    f"time() - {largest('spawn_launcher_last_sweep_timestamp_seconds', 'region')}",
                    "{{region}}",
                ),
                unit="s",
                about="By region; every 30 s unless EC2 is slow.",
            ),
        ),
        (
            Panel(
                title="Names",
                queries=(
                    Query(expression=largest("spawn_dns_names"), legend="resolve"),
                    Query(expression=largest("spawn_dns_refused_names"), legend="can't be made"),
                    Query(expression=largest("spawn_dns_records"), legend="records of ours"),
                ),
                about="Names of machines, and what they are made of in the zone.",
            ),
            Panel(
                title="How late names are",
                queries=spread("spawn_dns_lag_seconds"),
                unit="s",
                about="From when a change is wanted until every name server answers with it.",
            ),
        ),
    ),
)
