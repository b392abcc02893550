from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spawn.bus import codec
from spawn.contracts.arrays import Array, DeploymentMark, NameClaim
from spawn.contracts.assignments import Assignment, ExecRequest, ExecStarted, Peers, Tell
from spawn.contracts.events import Data, Event, event_name
from spawn.contracts.grants import Grant
from spawn.contracts.hostnames import Hostnames, RecordCheck, RecordList
from spawn.contracts.launches import CollectReport, JobSpec, Launch, LaunchPlan, Terminate
from spawn.contracts.members import Member
from spawn.contracts.power import Power
from spawn.contracts.reports import REPORTS, ExecOutput
from spawn.errors import Rejected
from tests.contracts.examples import EVENTS, GOLDEN, all_examples, an_event
from tests.contracts.machine_examples import REPORTED
from tests.contracts.strategies import structs, values

EXAMPLES = all_examples()
WRITTEN_AS = (
    Array,
    Member,
    Launch,
    Terminate,
    Power,
    JobSpec,
    NameClaim,
    DeploymentMark,
    LaunchPlan,
    CollectReport,
    Assignment,
    Peers,
    Tell,
    ExecRequest,
    ExecStarted,
    Grant,
    Hostnames,
    RecordList,
    RecordCheck,
    *REPORTS.values(),
    ExecOutput,
)


def name_of(data: Data) -> str:
    return event_name(type(data))


def kind_of(name: str) -> type[msgspec.Struct]:
    """Return as what a message of this name is read."""
    kind: type[msgspec.Struct] = type(EXAMPLES[name])
    return kind


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_is_written_is_what_always_was(name: str) -> None:
    """A difference breaks readers: see `write_golden` for what may change and how."""
    assert codec.encode(EXAMPLES[name]) == (GOLDEN / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_was_written_is_still_read(name: str) -> None:
    data = (GOLDEN / f"{name}.json").read_bytes()
    assert codec.decode(data, kind_of(name)) == EXAMPLES[name]


def test_there_is_a_golden_file_for_each_message_and_none_beside() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EXAMPLES)
    assert {type(data) for data in EVENTS} == set(get_args(Data))
    assert {kind: type(each) for kind, each in REPORTED.items()} == {**REPORTS, "exec": ExecOutput}


def test_every_example_fills_every_field_that_may_be_left_out() -> None:
    kinds_with_defaults = [
        name
        for name, example in EXAMPLES.items()
        for field in msgspec.structs.fields(type(example))
        if not name.startswith("event.")
        and field.default is not msgspec.NODEFAULT
        and msgspec.structs.asdict(example)[field.name] == field.default
    ]
    assert kinds_with_defaults == []


@pytest.mark.parametrize("data", EVENTS, ids=name_of)
def test_an_event_is_read_by_its_type_alone_and_new_fields_are_passed_over(data: Data) -> None:
    body = msgspec.json.decode(codec.encode(data))
    body["of_a_later_version"] = {"x": [1]}
    union: type[Data] = Data  # pyright: ignore[reportAssignmentType] - msgspec reads the union
    assert codec.decode(msgspec.json.encode(body), union) == data


@pytest.mark.parametrize(
    "name", ["command.launch", "command.terminate", "request.exec", "request.roster"]
)
def test_a_command_with_an_unknown_field_is_refused_and_names_it(name: str) -> None:
    body = msgspec.json.decode(codec.encode(EXAMPLES[name]))
    body["surprise"] = 1
    with pytest.raises(Rejected) as refusal:
        codec.decode(msgspec.json.encode(body), kind_of(name))
    assert refusal.value.field == "surprise"


def test_an_unknown_field_of_a_spec_is_named_with_its_path() -> None:
    body = msgspec.json.decode(codec.encode(EXAMPLES["command.launch"]))
    body["spec"]["sport"] = True
    with pytest.raises(Rejected) as refusal:
        codec.decode(msgspec.json.encode(body), Launch)
    assert refusal.value.field == "spec.sport"


@pytest.mark.parametrize("kind", WRITTEN_AS, ids=lambda kind: kind.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_every_record_and_command_survives_the_wire(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    value = data.draw(structs(kind))
    assert codec.decode(codec.encode(value), kind) == value


@settings(max_examples=60)
@given(values(Event))
def test_every_event_survives_the_wire(event: Event) -> None:
    assert codec.decode(codec.encode(event), Event) == event


@pytest.mark.parametrize("data", EVENTS, ids=name_of)
def test_an_event_is_named_after_what_it_tells(data: Data) -> None:
    event = an_event(data)
    noun, verb = event.name.split(".")
    assert event.subject == f"spawn.evt.training-abcdefghijkl.{noun}.{verb}"
    assert event.ce_type == f"spawn.{noun}.{verb}.v1"
    rank = getattr(data, "rank", None)
    of_member = "" if rank is None else f"/{rank}"
    assert event.ce_subject == f"training-abcdefghijkl{of_member}"
    generation = getattr(data, "generation", "-")
    shown = "-" if rank is None else rank
    assert event.id == f"training-abcdefghijkl/{noun}/{shown}/{generation}/{verb}/5"
