from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.spot_watcher.handlers.hearing import on_seen
from services.spot_watcher.handlers.setting_up import set_up
from services.spot_watcher.handlers.sweep import sweep
from services.spot_watcher.ports import World
from spawn.bus import codec
from spawn.bus.ports import Reported
from spawn.contracts.arrays import ArrayState
from spawn.contracts.members import Former
from spawn.contracts.notices import Look, NoticeAction, NoticeKind, NoticeSource
from spawn.contracts.reports import NoticeSeen, Report
from spawn.errors import NotFound, Transient
from tests.builders import ARRAY_ID, an_ending, an_instance
from tests.fakes.clock import NOON
from tests.services.spot_watcher.worlds import (
    Fakes,
    ec2_event,
    health,
    spot_array,
    warning,
)

STRANGER = "i-0fffffffffffffff0"
STATE_CHANGE = "EC2 Instance State-change Notification"


@pytest.fixture
async def fakes() -> Fakes:
    fakes = Fakes()
    await fakes.queue()
    return fakes


def seen(fakes: Fakes, rank: int, **changes: object) -> Reported[Report]:
    report = NoticeSeen(
        generation=0,
        at=NOON,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        dies_at=NOON + timedelta(seconds=100),
    )
    return Reported(
        report=msgspec.structs.replace(report, **changes),
        array_id=ARRAY_ID,
        instance_id=fakes.instance(rank),
        sequence=1,
    )


async def left(fakes: Fakes) -> tuple[str, ...]:
    return fakes.aws.sqs("us-east-1").left((await fakes.queue()).url)


async def test_a_warning_becomes_one_event_and_is_told(fakes: Fakes) -> None:
    fakes.say(warning(fakes.instance(2)))
    assert await fakes.read() == 1
    assert [event.name for event in fakes.said()] == ["notice.interruption"]
    assert [subject for subject, _ in fakes.told()] == [fakes.instance(2), "all"]
    assert {told.rank for _, told in fakes.told()} == {2}
    assert await left(fakes) == ()


async def test_all_that_say_the_same_are_one_notice(fakes: Fakes) -> None:
    world = fakes.world()
    for _ in range(3):
        fakes.say(warning(fakes.instance(1)))
    await on_seen(seen(fakes, 1), world)
    await fakes.read(world)
    await on_seen(seen(fakes, 1), world)
    assert len(fakes.said()) == 1
    assert len(fakes.told()) == 2
    (record,) = fakes.notices().values()
    assert set(record.sources) == set(NoticeSource)
    assert record.dies_at == NOON + timedelta(seconds=100)


async def test_what_is_not_ours_is_left_for_a_while_and_then_dropped(fakes: Fakes) -> None:
    fakes.say(warning(STRANGER))
    for _ in range(3):
        assert len(await left(fakes)) == 1
        await fakes.read()
        fakes.aws.sqs("us-east-1").show_all()
    assert await left(fakes) == ()
    assert (fakes.said(), fakes.told(), fakes.dead.letters) == ([], [], {})


async def test_an_instance_that_becomes_known_meanwhile_is_noticed(fakes: Fakes) -> None:
    late = fakes.members.pop(3)
    fakes.say(warning(late.instance.id))
    await fakes.read()
    assert fakes.said() == []
    fakes.members[3] = late
    fakes.aws.sqs("us-east-1").show_all()
    await fakes.read()
    assert len(fakes.said()) == 1


async def test_what_cannot_be_read_is_put_aside_once_and_stops_nothing(fakes: Fakes) -> None:
    queue = await fakes.queue()
    fakes.aws.sqs("us-east-1").put(queue.url, "poison")
    fakes.say(warning(fakes.instance(0)))
    await fakes.read()
    ((name, body, reason),) = fakes.dead.letters.values()
    assert (name, body) == ("spawn-test-notices", "poison")
    assert "no event of EventBridge" in reason
    assert len(fakes.said()) == 1
    assert await left(fakes) == ()


async def test_planned_work_is_told_of_each_instance_of_ours(fakes: Fakes) -> None:
    code = "AWS_EC2_INSTANCE_STOP_SCHEDULED"
    begins = "Wed, 27 Jan 2027 06:03:46 GMT"
    fakes.say(health(fakes.instance(0), fakes.instance(3), code=code, begins=begins))
    await fakes.read()
    assert [event.name for event in fakes.said()] == ["notice.maintenance"] * 2
    assert set(fakes.notices()) == {f"{fakes.instance(rank)}.maintenance" for rank in (0, 3)}


async def test_a_state_change_of_ours_is_a_hint_to_the_launcher(fakes: Fakes) -> None:
    for instance_id in (fakes.instance(1), fakes.instance(1), STRANGER):
        fakes.say(ec2_event(STATE_CHANGE, {"instance-id": instance_id, "state": "terminated"}))
    await fakes.read()
    (sent,) = fakes.bus.commands
    assert sent.subject == "spawn.cmd.launcher.look"
    look = codec.decode(sent.data, Look)
    assert (look.array_id, look.instance_id) == (ARRAY_ID, fakes.instance(1))
    assert await left(fakes) == ()


async def test_an_end_that_was_asked_for_is_no_hint(fakes: Fakes) -> None:
    fakes.array = spot_array(4, ending=an_ending(), state=ArrayState.TERMINATING)
    fakes.say(ec2_event(STATE_CHANGE, {"instance-id": fakes.instance(1), "state": "terminated"}))
    await fakes.read()
    assert fakes.bus.commands == []


async def test_an_earlier_instance_of_a_rank_is_noticed_as_what_it_is(fakes: Fakes) -> None:
    former = Former(instance=an_instance(99), generation=0, since=NOON)
    fakes.members[1] = msgspec.structs.replace(fakes.members[1], generation=1, formers=(former,))
    fakes.say(warning(former.instance.id))
    await fakes.read()
    ((_, told), _) = fakes.told()
    assert (told.rank, told.generation) == (1, 0)


async def test_a_machine_whose_record_is_not_copied_yet_is_found_in_the_bucket(
    fakes: Fakes,
) -> None:
    late = fakes.members.pop(3)
    world = fakes.world()
    fakes.members[3] = late
    await world.stores.members.create(f"{ARRAY_ID}.3", late)
    await on_seen(seen(fakes, 3), world)
    (record,) = fakes.notices().values()
    assert record.rank == 3
    fakes.members[3] = msgspec.structs.replace(late, instance=an_instance(55))
    with pytest.raises(NotFound):
        await on_seen(seen(fakes, 3), world)


class Broken:
    """A door that fails in a way nobody thought of, or waits."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def publish_many(self, _events: object) -> None:
        raise self.error


def with_broken(world: World, error: Exception) -> World:
    changed: Any = {**vars(world), "events": Broken(error)}
    return World(**changed)


async def test_a_message_that_fails_each_time_is_put_aside(fakes: Fakes) -> None:
    fakes.say(warning(fakes.instance(0)))
    fakes.say(ec2_event(STATE_CHANGE, {"instance-id": fakes.instance(1), "state": "stopped"}))
    world = with_broken(fakes.world(), ZeroDivisionError())
    for _ in range(5):
        assert len(await left(fakes)) >= 1
        await fakes.read(world)
        fakes.aws.sqs("us-east-1").show_all()
    assert await left(fakes) == ()
    assert len(fakes.dead.letters) == 1
    assert len(fakes.bus.commands) == 1


async def test_a_bus_that_does_not_answer_leaves_the_message_in_the_queue(fakes: Fakes) -> None:
    fakes.say(warning(fakes.instance(0)))
    for _ in range(8):
        await fakes.read(with_broken(fakes.world(), Transient("away")))
        fakes.aws.sqs("us-east-1").show_all()
    assert fakes.dead.letters == {}
    assert await fakes.read() == 1
    assert len(fakes.said()) == 1
    assert await left(fakes) == ()


async def test_the_first_sweep_says_what_a_crash_left(fakes: Fakes) -> None:
    fakes.say(warning(fakes.instance(0)))
    await fakes.read(with_broken(fakes.world(), Transient("crash")))
    assert fakes.said() == []
    await sweep(fakes.world(), is_first=True)
    await sweep(fakes.world(), is_first=True)
    assert len(fakes.said()) == 1


async def test_notices_are_forgotten_once_their_array_is_over(fakes: Fakes) -> None:
    fakes.say(warning(fakes.instance(0)))
    await fakes.read()
    fakes.clock.move(timedelta(hours=2))
    await sweep(fakes.world())
    assert len(fakes.notices()) == 1
    fakes.array = spot_array(4, ending=an_ending(), state=ArrayState.TERMINATED)
    await sweep(fakes.world())
    assert fakes.notices() == {}


async def test_setting_up_again_makes_nothing_and_a_lost_rule_is_made_again(fakes: Fakes) -> None:
    assert (await set_up(fakes.world(), "us-east-1")).made == ()
    lost = fakes.aws.eventbridge("us-east-1").rules.popitem()[0]
    assert (await set_up(fakes.world(), "us-east-1")).made == (lost,)
