"""Storms: many spot instances of one array are warned within a few seconds."""

from functools import partial

from sandbox.behaviour import ANY, Storm
from sandbox.ec2 import interruptions
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State

ARRAY_TAG, NAME_TAG = "spawn:array-id", "spawn:array-name"


def look(cloud: Cloud, region: RegionState, record: Record, state: State) -> None:
    """Let those storms come that wait for as many instances as run now."""
    if state is not State.RUNNING or not cloud.storms:
        return
    tags = region.tags(record.id)
    array_id, names = tags.get(ARRAY_TAG, ""), {tags.get(NAME_TAG, "")}
    fitting = [storm for storm in cloud.storms if storm.array in {ANY, array_id, *names}]
    if not fitting:
        return
    running = running_spot(region, array_id)
    for storm in fitting:
        if len(running) >= storm.running:
            cloud.storms.remove(storm)
            _break_out(cloud, region, running, storm)


def running_spot(region: RegionState, array_id: str) -> list[Record]:
    """Return the spot instances of an array that run."""
    having = region.records.having(f"tag:{ARRAY_TAG}", (array_id,))
    return [
        one for one in having.values() if one.state is State.RUNNING and one.pool.market == "spot"
    ]


def _break_out(cloud: Cloud, region: RegionState, running: list[Record], storm: Storm) -> None:
    now = cloud.clock.monotonic()
    lead = None if storm.lead is None else storm.lead.draw(cloud.randomness)
    for record in cloud.randomness.sample(running, min(storm.count, len(running))):
        warn = partial(
            interruptions.interrupt, cloud, region, record, lead=lead, silent=storm.silent
        )
        cloud.timeline.call(now + cloud.draw(storm.within), warn)
