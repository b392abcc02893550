"""Table of contents: what the IAM broker answers and keeps doing."""

from services.iam_broker.adapters import open_world
from services.iam_broker.config import Settings
from services.iam_broker.handlers.admit import answer_server, look_up_unknown
from services.iam_broker.handlers.collect import collect_unused, on_collect
from services.iam_broker.handlers.ensure import on_ensure
from services.iam_broker.handlers.following import close_ended, mirror_grants, mirror_members
from services.iam_broker.handlers.questions import on_describe, on_lint
from services.iam_broker.ports import World
from spawn.contracts.grants import CollectGrants, GrantRequest, LintRequest
from spawn.runtime.service import Service, background, endpoint

SERVICE: Service[Settings, World] = Service(
    name="iam_broker",
    settings=Settings,
    open=open_world,
    endpoints=(
        endpoint("ensure", GrantRequest, on_ensure),
        endpoint("describe", GrantRequest, on_describe),
        endpoint("lint", LintRequest, on_lint),
        endpoint("collect", CollectGrants, on_collect),
    ),
    background=(
        background(mirror_members, name="mirror members"),
        background(mirror_grants, name="mirror grants"),
        background(look_up_unknown, name="look up unknown"),
        background(answer_server, name="answer server"),
        background(close_ended, name="close ended"),
        background(collect_unused, name="collect unused"),
    ),
)
