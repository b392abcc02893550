"""Large answers: read to the same Structs as botocore would, without blocking the loop."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import EC2QueryParser

from spawn.aws import answers
from spawn.aws.parsing import Parsers
from spawn.aws.session import Aws
from spawn.errors import Cause, Transient
from tests.fixtures.canned_aws import REGION, CannedAws, page, page_body, text

SIZE = 1000


async def test_the_loop_turns_while_a_large_answer_is_parsed() -> None:
    parser, shape = Parsers().create_parser("ec2"), _described_shape()
    loop, turns = asyncio.get_running_loop(), 0

    def turn() -> None:
        nonlocal turns, timer
        turns += 1
        timer = loop.call_later(0.001, turn)

    # The bench says for how long the loop stands still; that it does not stand still is counted:
    # a parser that does not leave the loop lets it turn not once.
    timer = loop.call_later(0.001, turn)
    parsed = await parser.parse(_response(page_body(0, SIZE)), shape)
    timer.cancel()
    assert sum(len(each["Instances"]) for each in parsed["Reservations"]) == SIZE
    assert turns > 1


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
    return EC2QueryParser().parse(_response(body), _described_shape())


def _response(body: bytes) -> dict[str, Any]:
    return {"body": body, "headers": {}, "status_code": 200}


def _described_shape() -> Any:
    loader = botocore.session.get_session().get_component("data_loader")
    model = ServiceModel(loader.load_service_model("ec2", "service-2"), "ec2")
    return model.operation_model("DescribeInstances").output_shape
