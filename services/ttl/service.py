"""Table of contents: what the TTL service hears and keeps doing."""

from services.ttl.adapters import open_world
from services.ttl.apply import name_ends
from services.ttl.config import Settings
from services.ttl.handlers.commands import on_extend
from services.ttl.handlers.course import on_accepted, on_due, on_ended
from services.ttl.handlers.idle import keep_idle_watched
from services.ttl.handlers.sweep import keep_swept
from services.ttl.ports import World
from spawn.contracts.events import ArrayAccepted, ArrayFailed, ArrayRejected, ArrayTerminated
from spawn.contracts.lease_records import MOST_EXPIRED, Extend, Occasion
from spawn.runtime.service import Service, background, command, due, fact

SERVICE: Service[Settings, World] = Service(
    name="ttl",
    settings=Settings,
    open=open_world,
    routes=(
        command("extend", Extend, on_extend),
        fact((ArrayAccepted,), on_accepted, name="accepted"),
        fact((ArrayTerminated, ArrayFailed, ArrayRejected), on_ended, name="ended"),
        due("lease", Occasion, on_due, name="due", slots=MOST_EXPIRED),
        due("lease.*", Occasion, on_due, name="due-members", slots=MOST_EXPIRED),
    ),
    background=(
        background(name_ends, name="name ends"),
        background(keep_swept, name="sweep"),
        background(keep_idle_watched, name="idle"),
    ),
)
