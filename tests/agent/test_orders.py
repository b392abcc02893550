"""What the launcher answers and tells, when it is not what was agreed."""

import json
from typing import Any

import pytest

from agent.orders import Unreadable, read_assignment, read_page, read_tell
from spawn.bus import codec
from spawn.contracts.launches import JobSpec
from tests.agent.launcher import an_assignment

ASSIGNMENT = codec.encode(an_assignment(JobSpec()))


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(ASSIGNMENT), **fields}).encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="no object"),
        pytest.param(changed(rank=None), id="no number"),
        pytest.param(changed(rank=0).replace(b'"rank": 0', b'"rank": 1e999'), id="no end"),
        pytest.param(changed(job=[]), id="no job"),
        pytest.param(changed(lease={}), id="no lease"),
        pytest.param(changed(lease={"until": "tomorrow"}), id="a lease that is no instant"),
        pytest.param(changed(lease={"until": "2036-01-01T00:00:00"}), id="no offset from UTC"),
    ],
)
def test_an_assignment_that_is_none_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_assignment(data)


def test_an_assignment_keeps_its_lease_to_the_letter() -> None:
    read = read_assignment(ASSIGNMENT)
    assert read.lease == json.loads(ASSIGNMENT)["lease"]["until"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b'"text"', b"3"])
def test_pages_and_tells_that_are_none_are_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_page(data)
    with pytest.raises(Unreadable):
        read_tell(data)
