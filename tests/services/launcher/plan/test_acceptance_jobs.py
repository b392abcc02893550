"""What is kept of a job, where, and how two launches are told apart by it."""

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.plan.acceptance import Terms, accept, check_same, job_of
from spawn.bus import codec
from spawn.contracts.arrays import Array
from spawn.contracts.checks import Limits
from spawn.contracts.launches import (
    Digest,
    EnvCompat,
    JobSpec,
    Launch,
    LaunchSpec,
    OnComplete,
)
from spawn.errors import Conflict
from tests.builders import NOON

TERMS = Terms(deployment="test", limits=Limits(), default_ttl=timedelta(hours=8))
SPEC = LaunchSpec(
    name="training",
    region="us-east-1",
    user_data="#!/bin/sh\nexport TOKEN=hunter2\n",
    command="python train.py --key hunter3",
    environment={"SECRET": "hunter4"},
)


def accepted(**changes: Any) -> Array:
    spec = msgspec.structs.replace(SPEC, **changes)
    return accept(Launch(request_id="request-1", spec=spec), owner="cli", now=NOON, terms=TERMS)


def sha256(text: str) -> Digest:
    raw = text.encode()
    return Digest(len(raw), hashlib.sha256(raw).hexdigest())


def test_a_record_and_its_events_hold_digests_and_no_text_of_a_job() -> None:
    array = accepted()
    assert (array.user_data, array.command) == (sha256(SPEC.user_data), sha256(SPEC.command))
    assert array.environment == sha256('[["SECRET","hunter4"]]')
    (event,) = array.outbox
    said = msgspec.to_builtins(event.data)
    for name in ("user_data", "command", "environment"):
        assert said[name] == msgspec.to_builtins(getattr(array, name))
    written = codec.encode(array)
    for secret in (b"hunter", b"SECRET", b"train.py"):
        assert secret not in written


def test_without_a_job_there_is_nothing_to_digest() -> None:
    array = accepted(user_data="", command="", environment={})
    assert (array.user_data, array.command, array.environment) == (None, None, None)
    assert not array.has_job


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="both"),
        pytest.param({"command": ""}, True, id="a script alone"),
        pytest.param({"user_data": ""}, True, id="a command alone"),
        pytest.param({"user_data": "", "command": ""}, False, id="an environment is no job"),
    ],
)
def test_what_counts_as_a_job(changes: dict[str, Any], expected: bool) -> None:
    assert accepted(**changes).has_job is expected


def test_the_order_of_an_environment_makes_no_other_launch() -> None:
    one = accepted(environment={"A": "1", "B": "2"})
    other = accepted(environment={"B": "2", "A": "1"})
    check_same(one, other)
    assert one.environment == other.environment


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"command": "other"}, "another command;", id="the command"),
        pytest.param({"environment": {"SECRET": "x"}}, "another environment;", id="a value"),
        pytest.param({"user_data": "#!/bin/sh\n"}, "another user_data;", id="the script"),
        pytest.param(
            {"retries": 1, "command": ""}, "another retries, command;", id="a field and a text"
        ),
    ],
)
def test_a_request_that_comes_again_with_another_job_names_what_differs(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(Conflict) as conflict:
        check_same(accepted(), accepted(**changes))
    assert named in conflict.value.message
    assert "hunter" not in conflict.value.message


def test_a_job_is_all_that_machines_are_to_run() -> None:
    spec = msgspec.structs.replace(
        SPEC,
        env_compat=(EnvCompat.TORCH,),
        login_user="ubuntu",
        on_complete=OnComplete.STOP,
        max_runtime="1h30m",
        retries=2,
        peer_ssh=False,
    )
    assert job_of(spec) == JobSpec(
        user_data=SPEC.user_data,
        command=SPEC.command,
        environment=SPEC.environment,
        env_compat=(EnvCompat.TORCH,),
        login_user="ubuntu",
        on_complete=OnComplete.STOP,
        max_runtime=5400,
        retries=2,
        peer_ssh=False,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, OnComplete.TERMINATE, id="a command: the machine ends with it"),
        pytest.param({"command": ""}, OnComplete.NONE, id="none: the machine stays"),
        pytest.param({"on_complete": OnComplete.NONE}, OnComplete.NONE, id="as asked for"),
    ],
)
def test_what_a_machine_does_when_its_job_has_ended(
    changes: dict[str, Any], expected: OnComplete
) -> None:
    assert job_of(msgspec.structs.replace(SPEC, **changes)).on_complete is expected


def test_a_job_without_a_time_limit_has_none() -> None:
    assert job_of(SPEC).max_runtime == 0
