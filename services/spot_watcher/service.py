"""Table of contents: what the spot watcher hears, answers and keeps doing."""

from services.spot_watcher.adapters import open_world
from services.spot_watcher.config import Settings
from services.spot_watcher.handlers.following import mirror_arrays, mirror_members
from services.spot_watcher.handlers.hearing import on_seen
from services.spot_watcher.handlers.setting_up import on_setup, on_watch
from services.spot_watcher.handlers.sweep import keep_swept
from services.spot_watcher.handlers.watching import keep_watching
from services.spot_watcher.ports import World
from spawn.contracts.notices import SetupRequest, WatchRequest
from spawn.contracts.reports import NoticeSeen
from spawn.runtime.service import Service, background, endpoint, reported

SERVICE: Service[Settings, World] = Service(
    name="spot_watcher",
    settings=Settings,
    open=open_world,
    routes=(reported({"notice": NoticeSeen}, on_seen, name="notices"),),
    endpoints=(
        endpoint("setup", SetupRequest, on_setup),
        endpoint("watch", WatchRequest, on_watch),
    ),
    background=(
        background(mirror_arrays, name="mirror arrays"),
        background(mirror_members, name="mirror members"),
        background(keep_watching, name="watch regions"),
        background(keep_swept, name="sweep"),
    ),
)
