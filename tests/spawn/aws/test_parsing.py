"""Large answers: read to the same Structs as botocore would, without blocking the loop."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import EC2QueryParser

from spawn.aws import answers
from spawn.aws.session import Aws
from spawn.errors import Cause, Transient
from tests.fixtures.canned_aws import REGION, CannedAws, page, page_body, text

SIZE = 1000
LONGEST_STALL = 0.25


async def test_describing_a_thousand_instances_does_not_stall_the_loop(
    cloud: CannedAws, aws: Aws
) -> None:
    cloud.answer("DescribeInstances", page(0, SIZE))
    # In processor time, whichever thread spends it, and the best of three: a machine that is busy
    # with something else is not what is measured.
    stalls = [await _longest_stall(aws) for _ in range(3)]
    assert min(stalls) < LONGEST_STALL


async def _longest_stall(aws: Aws) -> float:
    loop, ticks = asyncio.get_running_loop(), [time.process_time()]

    def tick() -> None:
        nonlocal timer
        ticks.append(time.process_time())
        timer = loop.call_later(0.001, tick)

    timer = loop.call_later(0.001, tick)
    found = await aws.ec2(REGION).describe_instances()
    timer.cancel()
    ticks.append(time.process_time())
    assert len(found) == SIZE
    return max(later - tick for tick, later in pairwise(ticks))


async def test_the_lean_parser_reads_what_botocore_reads(cloud: CannedAws, aws: Aws) -> None:
    for size in (1, 200):
        cloud.answer("DescribeInstances", page(0, size))
        found = await aws.ec2(REGION).describe_instances()
        whole = _parsed_by_botocore(page_body(0, size))
        listed = [one for reservation in whole["Reservations"] for one in reservation["Instances"]]
        assert found == tuple(answers.described(one) for one in listed)
        assert len(listed[0]) > 20
        cloud.forget("DescribeInstances")


async def test_a_large_answer_that_is_cut_short_is_lost(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeInstances", text(page_body(0, SIZE)[:-100]))
    with pytest.raises(Transient) as raised:
        await aws.ec2(REGION).describe_instances()
    assert raised.value.cause is Cause.UNREACHABLE
    assert len(raised.value.message) < 200


async def test_an_instant_that_is_not_rfc_3339_is_read_too(cloud: CannedAws, aws: Aws) -> None:
    odd = page_body(0, 1).replace(b"2026-06-01T12:00:00.000Z", b"Mon, 01 Jun 2026 12:00:00 GMT")
    cloud.answer("DescribeInstances", text(odd))
    (one,) = await aws.ec2(REGION).describe_instances()
    assert one.instance.launched_at == datetime(2026, 6, 1, 12, tzinfo=UTC)


def _parsed_by_botocore(body: bytes) -> dict[str, Any]:
    loader = botocore.session.get_session().get_component("data_loader")
    model = ServiceModel(loader.load_service_model("ec2", "service-2"), "ec2")
    shape = model.operation_model("DescribeInstances").output_shape
    assert shape is not None
    response: dict[str, Any] = {"body": body, "headers": {}, "status_code": 200}
    return EC2QueryParser().parse(response, shape)
