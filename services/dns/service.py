"""Table of contents: what the DNS service hears, answers and keeps doing."""

from services.dns.adapters.world import open_world
from services.dns.config import Settings
from services.dns.handlers.following import (
    mirror_arrays,
    mirror_hostnames,
    mirror_members,
    on_notice,
)
from services.dns.handlers.questions import on_check, on_collect, on_list
from services.dns.handlers.registrar import keep_zone
from services.dns.ports import World
from spawn.contracts.events import NoticeInterruption
from spawn.contracts.hostnames import CheckRecords, CollectRecords, ListRecords
from spawn.runtime.service import Service, background, endpoint, fact

SERVICE: Service[Settings, World] = Service(
    name="dns",
    settings=Settings,
    open=open_world,
    routes=(fact((NoticeInterruption,), on_notice, name="notices"),),
    endpoints=(
        endpoint("list", ListRecords, on_list),
        endpoint("check", CheckRecords, on_check),
        endpoint("collect", CollectRecords, on_collect),
    ),
    background=(
        background(mirror_arrays, name="mirror arrays"),
        background(mirror_members, name="mirror members"),
        background(mirror_hostnames, name="mirror hostnames"),
        background(keep_zone, name="keep zone"),
    ),
)
