"""Parsing of EC2's answers without blocking the event loop, and of no more than is read.

botocore parses in the loop, every member of every shape: half a second for 1000 instances. Here
a large answer is parsed in a worker thread, fed to expat in slices (which hold the interpreter's
lock from end to end), and the model of an instance is cut to what the door reads.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from aiobotocore.parsers import AioEC2QueryParser, AioResponseParserFactory
from botocore.parsers import EC2QueryParser, ResponseParserError
from botocore.utils import parse_timestamp

LARGE = 100_000
"""Bytes of XML from which a thread is worth its hand-over: some 30 to 50 instances."""

_SLICE = 65_536

_READ = {
    "Reservation": frozenset({"Instances"}),
    "Instance": frozenset({
        "AmiLaunchIndex", "ClientToken", "IamInstanceProfile", "ImageId", "InstanceId",
        "InstanceLifecycle", "InstanceType", "Ipv6Address", "LaunchTime", "Placement",
        "PrivateIpAddress", "PublicIpAddress", "State", "StateReason", "StateTransitionReason",
        "SubnetId", "Tags",
    }),
    "Placement": frozenset({"AvailabilityZone"}),
    "IamInstanceProfile": frozenset({"Arn"}),
}  # fmt: skip
"""The members that `spawn.aws.answers` reads."""


def trim(model: dict[str, Any]) -> None:
    """Take out of EC2's service model, in place, the members of instances that nobody reads."""
    shapes = model["shapes"]
    for name, read in _READ.items():
        members = shapes[name]["members"]
        shapes[name]["members"] = {k: v for k, v in members.items() if k in read}


class Parsers(AioResponseParserFactory):
    """What botocore asks for a parser of each protocol."""

    def create_parser(self, protocol_name: str) -> Any:
        """Return the parser of a protocol: our own for EC2's."""
        if protocol_name == "ec2":
            return _Ec2Parser(timestamp_parser=_instant)
        return super().create_parser(protocol_name)


class _Ec2Parser(AioEC2QueryParser):
    """Parses small answers at once, large ones in a worker thread."""

    async def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        if len(response["body"]) < LARGE:
            return await super().parse(response, shape)
        sliced = _SlicedParser(timestamp_parser=_instant)
        return await asyncio.to_thread(sliced.parse, response, shape)


class _SlicedParser(EC2QueryParser):
    """Lets other threads run between slices of the XML."""

    def _parse_xml_string_to_dom(self, xml_string: bytes) -> Element:
        parser = XMLParser(encoding="utf-8")  # noqa: S314 - AWS's answer, as botocore parses it
        try:
            for start in range(0, len(xml_string), _SLICE):
                parser.feed(xml_string[start : start + _SLICE])
            return parser.close()
        except ParseError as error:
            raise ResponseParserError(f"the answer is not XML: {error}") from error


def _instant(text: str) -> datetime:
    """Read what EC2 writes (RFC 3339) quickly, and anything else as botocore does."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)
