from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.spot_watcher.model import Changed, Heard, Unreadable
from services.spot_watcher.plan.parsing import LEAD, parse
from spawn.contracts.notices import NoticeAction, NoticeKind, NoticeSource
from tests.fakes.clock import NOON
from tests.services.spot_watcher.worlds import REGION, ec2_event, health, text, warning

ID = "i-0123456789abcdef0"
RETIREMENT = "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED"
BEGINS = "Wed, 27 Jan 2027 06:03:46 GMT"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def heard(event: dict[str, Any]) -> Heard:
    (said,) = parse(text(event))
    assert isinstance(said, Heard)
    return said


@pytest.mark.parametrize("action", ["terminate", "stop"])
def test_a_warning_gives_two_minutes(action: str) -> None:
    said = heard(warning(ID, action=action))
    assert (said.instance_id, said.kind, said.action) == (ID, NoticeKind.INTERRUPTION, action)
    assert (said.at, said.dies_at, said.source) == (NOON, NOON + LEAD, NoticeSource.EVENTS)


def test_hibernation_gives_no_time_at_all() -> None:
    assert heard(warning(ID, action="hibernate")).dies_at == NOON


def test_an_instant_with_an_offset_is_the_same_instant() -> None:
    said = heard(warning(ID, time="2026-06-01T14:00:00.5+02:00"))
    assert said.at == NOON + timedelta(milliseconds=500)


def test_a_rebalance_names_no_instant() -> None:
    said = heard(ec2_event("EC2 Instance Rebalance Recommendation", {"instance-id": ID}))
    assert (said.kind, said.action, said.dies_at) == (NoticeKind.REBALANCE, "none", None)


def test_a_state_change_is_a_hint() -> None:
    detail = {"instance-id": ID, "state": "shutting-down"}
    (said,) = parse(text(ec2_event("EC2 Instance State-change Notification", detail)))
    assert said == Changed(instance_id=said.instance_id, state="shutting-down", region=REGION)


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (RETIREMENT, NoticeAction.TERMINATE),
        ("AWS_EC2_INSTANCE_TERMINATION_SCHEDULED", NoticeAction.TERMINATE),
        ("AWS_EC2_INSTANCE_STOP_SCHEDULED", NoticeAction.STOP),
        ("AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED", NoticeAction.NONE),
        ("AWS_EC2_INSTANCE_NETWORK_MAINTENANCE_SCHEDULED", NoticeAction.NONE),
    ],
)
def test_scheduled_work_says_when_and_what(code: str, action: NoticeAction) -> None:
    said = heard(health(ID, code=code, begins=BEGINS))
    assert (said.kind, said.action, said.code) == (NoticeKind.MAINTENANCE, action, code)
    assert said.dies_at == datetime(2027, 1, 27, 6, 3, 46, tzinfo=UTC)


def test_scheduled_work_is_of_many_instances_and_of_other_things() -> None:
    other = "i-0123456789abcdef1"
    event = health(ID, "vol-1", other, "", code=RETIREMENT, begins="soon")
    said = parse(text(event))
    assert [each.instance_id for each in said] == [ID, other]
    assert {getattr(each, "dies_at", "") for each in said} == {None}


@pytest.mark.parametrize(
    "changes",
    [{"service": "RDS"}, {"eventTypeCategory": "accountNotification"}, {"affectedEntities": []}],
)
def test_what_health_says_of_other_things_is_passed_over(changes: dict[str, Any]) -> None:
    event = health(ID, code=RETIREMENT, begins=BEGINS)
    assert parse(text({**event, "detail": {**event["detail"], **changes}})) == ()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "null",
        '{"source": "aws.ec2"}',
        text({**warning(ID), "detail": "terminate"}),
        text({**warning(ID), "source": "aws.ecs"}),
        text({**warning(ID), "detail-type": "EC2 Fleet Error"}),
        text({**warning(ID), "time": "yesterday"}),
        text(warning(ID, action="paint")),
        text(warning("i-1; rm -rf /")),
        text(warning("*")),
        text(ec2_event("EC2 Instance Rebalance Recommendation", {})),
        text(health(ID, code=RETIREMENT, begins=BEGINS) | {"detail": {"affectedEntities": 5}}),
        text({**warning(ID), "time": "0001-01-01T00:00:00+14:00"}),
    ],
)
def test_what_is_no_such_event_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        parse(body)


@given(st.text() | JSON.map(lambda value: msgspec.json.encode(_plain(value)).decode()))
def test_nothing_else_is_ever_raised(body: str) -> None:
    with pytest.raises(Unreadable):
        parse(body)


@given(
    st.sampled_from([warning(ID), health(ID, code=RETIREMENT, begins=BEGINS)]),
    st.sampled_from(["time", "region", "detail", "source", "detail-type"]),
    JSON,
)
def test_a_field_of_another_shape_is_read_or_refused(
    event: dict[str, Any], name: str, value: Any
) -> None:
    changed = msgspec.json.encode({**event, name: _plain(value)}).decode(errors="replace")
    try:
        said = parse(changed)
    except Unreadable:
        return
    assert all(each.instance_id == ID for each in said)


def _plain(value: Any) -> Any:
    """Return the value without what JSON has no text for."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case list():
            return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
        case dict():
            return {_plain(key): _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType] - any JSON
        case int():
            return value if abs(value) < 2**63 else 0
        case _:
            return value
