"""One AWS, three ways: in memory, the laptop cloud, and an emulator that is none of ours."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

import pytest

from spawn.aws.ports import AwsPort, Ec2Port
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.clock import SystemClock
from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.instances import Described, RunInstances
from spawn.contracts.pools import Market
from tests.fakes.aws import FakeAws
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

REGION = "us-east-1"
PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
QUICK = {
    "throttle": {"enabled": False},
    "lifecycle": {"pending": 0.05, "shutting_down": 0.05},
}
_MOTO = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
_POLL = timedelta(milliseconds=20)


class Faults(Protocol):
    """What a door that behaves as EC2 does can be told to do."""

    def limit(self, instance_type: str, free: int | None) -> None:
        """Let pools of a type have `free` further instances."""
        ...

    def lose_reply(self, api: str) -> None:
        """Perform the next call of an API and lose its answer."""
        ...

    def hide(self, duration: timedelta) -> None:
        """Hide new instances from Describe."""
        ...


@dataclass(frozen=True, kw_only=True)
class Door:
    """The door under test, and places to launch."""

    aws: AwsPort
    image_id: str
    subnet_id: str
    vpc_id: str
    group_id: str

    @property
    def ec2(self) -> Ec2Port:
        return self.aws.ec2(REGION)

    def request(self, **changes: object) -> RunInstances:
        """Return a request with a token and a tag of its own."""
        token = uuid4().hex
        return RunInstances(
            **{
                "region": REGION,
                "client_token": ClientToken(token),
                "image_id": self.image_id,
                "instance_type": "t3.micro",
                "subnet_id": self.subnet_id,
                "market": Market.ON_DEMAND,
                "min_count": 1,
                "max_count": 1,
                "security_group_ids": (self.group_id,),
                "tags": {"test": token},
            }
            | changes,  # pyright: ignore[reportArgumentType] # a test names fields of the Struct
        )

    async def until(
        self, holds: Callable[[tuple[Described, ...]], bool], ids: Iterable[InstanceId]
    ) -> tuple[Described, ...]:
        """Describe instances until something holds; the test's own timeout ends it."""
        wanted = tuple(ids)
        while not holds(found := await self.ec2.describe_instances(ids=wanted)):
            await SystemClock().sleep(_POLL)
        return found


@dataclass(frozen=True, kw_only=True)
class Faithful(Door):
    """A door behind which EC2 behaves as EC2 does, faults included."""

    faults: Faults


@dataclass(frozen=True)
class FakeFaults:
    """Faults of the fake, which are its state."""

    aws: FakeAws

    def limit(self, instance_type: str, free: int | None) -> None:
        ec2 = self.aws.ec2(REGION)
        for subnet in ec2.networks:
            pool = (Market.ON_DEMAND, instance_type, subnet.zone)
            ec2.weather.capacity.pop(pool, None)
            if free is not None:
                ec2.weather.capacity[pool] = free

    def lose_reply(self, api: str) -> None:
        self.aws.ec2(REGION).lose_replies(api)

    def hide(self, duration: timedelta) -> None:
        self.aws.ec2(REGION).weather.hidden = duration


@dataclass(frozen=True)
class SandboxFaults:
    """Faults of the laptop cloud, by its admin API."""

    cloud: RunningSandbox

    def limit(self, instance_type: str, free: int | None) -> None:
        self.cloud.admin.post("capacity", {"instance_type": instance_type, "free": free})

    def lose_reply(self, api: str) -> None:
        self.cloud.admin.post("fault", {"api": api, "kind": "lost-reply"})

    def hide(self, duration: timedelta) -> None:
        self.cloud.admin.post("lifecycle", {"invisible": duration.total_seconds()})


@pytest.fixture(scope="session")
def laptop_cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A quick laptop cloud for all tests of the door."""
    with running_sandbox(tmp_path_factory.mktemp("laptop"), QUICK) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def emulator() -> Generator[str]:
    """The endpoint of a stock moto in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MOTO],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    # Leaving the block closes its input, at which it ends.
    with process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    assert process.returncode == 0


@pytest.fixture(scope="session")
def known_places() -> dict[str, dict[str, str]]:
    """What each AWS said of its places, asked for once."""
    return defaultdict(dict)


@pytest.fixture(params=["fake", "laptop cloud", "moto"])
async def door(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Door]:
    """The door, each way."""
    async with _opened(request, monkeypatch) as door:
        yield door


@pytest.fixture(params=["fake", "laptop cloud"])
async def faithful(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Faithful]:
    """The door where EC2 behaves as EC2 does: stock moto has no idempotency and no capacity."""
    async with _opened(request, monkeypatch) as door:
        assert isinstance(door, Faithful)
        yield door


@asynccontextmanager
async def _opened(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Door]:
    known: dict[str, dict[str, str]] = request.getfixturevalue("known_places")
    if request.param == "fake":
        fake = FakeAws(SystemClock())
        yield Faithful(**await _places(fake), faults=FakeFaults(fake))
    elif request.param == "laptop cloud":
        cloud: RunningSandbox = request.getfixturevalue("laptop_cloud")
        async with _real(cloud.environment(), monkeypatch) as aws:
            places = await _places(aws, known[request.param])
            yield Faithful(**places, faults=SandboxFaults(cloud))
        cloud.admin.post("reset-behaviour")
    else:
        endpoint: str = request.getfixturevalue("emulator")
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        async with _real({"AWS_ENDPOINT_URL": endpoint} | keys, monkeypatch) as aws:
            yield Door(**await _places(aws, known[request.param]))


@asynccontextmanager
async def _real(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[AwsPort]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with open_aws(AwsSettings(), SystemClock()) as aws:
        yield aws


async def _places(aws: AwsPort, known: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the fields of a door: where this AWS lets instances be launched.

    `known` keeps what one AWS said for the tests to come.
    """
    if known:
        return {"aws": aws, **known}
    ec2 = aws.ec2(REGION)
    subnet = (await ec2.default_subnets())[0]
    found = {
        "image_id": await aws.ssm(REGION).parameter(PARAMETER),
        "subnet_id": subnet.id,
        "vpc_id": subnet.vpc_id,
        "group_id": await ec2.ensure_security_group("door", subnet.vpc_id, {"door": "yes"}),
    }
    if known is not None:
        known |= found
    return {"aws": aws, **found}
