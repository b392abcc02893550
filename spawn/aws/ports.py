"""The door as services name it: Protocols that the real one and the fake both have."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from spawn.aws.iam_ports import IamPort
from spawn.aws.price_ports import MarketsPort, PricingPort
from spawn.aws.queue_ports import EventBridgePort, SqsPort
from spawn.aws.shapes import Caller, Image, InstanceType, Powered, SecurityGroup, Subnet
from spawn.contracts.identities import SignedCall
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import Described, InstanceState, RunInstances


class PacerPort(Protocol):
    """Gives each call its turn by API, fair between keys (arrays)."""

    async def take(self, api: str, *, instances: int = 0, key: str = "") -> None:
        """Wait for one call's tokens, and those of `instances` where the API counts them."""
        ...

    def give_back(self, api: str, *, instances: int = 0) -> None:
        """Return the tokens of a turn whose call was not made."""
        ...

    def time_for(self, api: str, calls: Iterable[int]) -> timedelta:
        """Return how long calls of so many instances each take when nobody else makes any."""
        ...

    def set_share(self, replicas: int) -> None:
        """Leave room for `replicas` (this one counted) that use the same account and region."""
        ...


class InstancesPort(Protocol):
    """EC2's instances in one region. Every method raises an `Outcome`."""

    @property
    def pacer(self) -> PacerPort:
        """The pacer that every call of this region goes through."""
        ...

    async def run_instances(self, request: RunInstances) -> tuple[Described, ...]:
        """Make the call, once; its turn is taken by the caller, from `pacer`.

        `Transient(UNREACHABLE)` means that it is unknown whether instances were made: send the
        same request again. `Conflict(EXISTS)`: the token made instances with other parameters.
        `Conflict(ABSENT)`: all that the token made is gone.
        """
        ...

    async def rehearse(self, request: RunInstances) -> None:
        """Have EC2 check a RunInstances call and whether it is allowed, and make nothing.

        Raises what it would be refused with; capacity and quotas are not looked at.
        """
        ...

    async def describe_instances(
        self,
        *,
        ids: Iterable[InstanceId] = (),
        tags: Mapping[str, str] | None = None,
        states: Iterable[InstanceState] = (),
    ) -> tuple[Described, ...]:
        """Return all instances that match; ids that EC2 does not know are left out."""
        ...

    async def terminate_instances(
        self, ids: Iterable[InstanceId]
    ) -> dict[InstanceId, InstanceState]:
        """End instances and return their states; one that EC2 does not know is `TERMINATED`.

        EC2 may not know an instance yet that it launched within the last 5 minutes: the caller
        who has a younger one asks again until it is seen.
        """
        ...

    async def create_tags(self, ids: Iterable[InstanceId], tags: Mapping[str, str]) -> None:
        """Set tags on instances; other tags stay."""
        ...


class PowerPort(Protocol):
    """EC2's instances in one region, stopped and started. Every method raises an `Outcome`."""

    async def stop_instances(
        self, ids: Iterable[InstanceId], *, hibernate: bool = False
    ) -> Powered:
        """Begin to stop instances, keeping their memory with `hibernate`.

        Those that EC2 refuses to stop do not keep the others; one that is stopped stays so.
        """
        ...

    async def start_instances(self, ids: Iterable[InstanceId]) -> Powered:
        """Begin to start stopped instances; one that runs goes on.

        Those that EC2 has no room for do not keep the others.
        """
        ...

    async def cancel_spot_requests(self, ids: Iterable[str]) -> None:
        """Cancel spot requests; their instances go on, and one that is gone is none the less."""
        ...


class CataloguePort(Protocol):
    """What a region has to launch from. Every method raises an `Outcome`."""

    async def find_image(self, image_id: str) -> Image:
        """Return an image. Raises `NotFound`."""
        ...

    async def instance_types(self, names: Iterable[str]) -> dict[str, InstanceType]:
        """Return the types by name; names that EC2 does not know are left out."""
        ...

    async def offerings(self, types: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return, for each type, the zones of the region that have it, in order."""
        ...

    async def available_zones(self) -> tuple[str, ...]:
        """Return the availability zones of the region that are in use, in order."""
        ...

    async def key_pair_exists(self, name: str) -> bool:
        """Say whether a key pair has this name."""
        ...


class NetworkPort(Protocol):
    """A region's networks. Every method raises an `Outcome`."""

    async def default_subnets(self) -> tuple[Subnet, ...]:
        """Return the default subnets of the region's default VPC, by zone."""
        ...

    async def subnets(self, ids: Iterable[str]) -> tuple[Subnet, ...]:
        """Return subnets, by zone. Raises `NotFound` when one does not exist."""
        ...

    async def security_groups(self, ids: Iterable[str]) -> tuple[SecurityGroup, ...]:
        """Return security groups. Raises `NotFound` when one does not exist."""
        ...

    async def ensure_security_group(
        self, name: str, vpc_id: str, tags: Mapping[str, str], ssh_cidr: str = ""
    ) -> str:
        """Return the id of the group of this name, made if need be, with its rules.

        Inbound: all traffic from its own members, and port 22 from `ssh_cidr` where given.
        Raises `Transient(PROPAGATING)` when EC2 does not see the new group everywhere yet.
        """
        ...


class Ec2Port(InstancesPort, PowerPort, CataloguePort, NetworkPort, MarketsPort, Protocol):
    """EC2 in one region."""


class SsmPort(Protocol):
    """Systems Manager in one region."""

    async def parameter(self, name: str) -> str:
        """Return the value of a parameter. Raises `NotFound`."""
        ...


class S3Port(Protocol):
    """S3 in one region. Every method raises an `Outcome`."""

    async def ensure_bucket(self, name: str) -> None:
        """Make a private bucket unless it is there."""
        ...

    async def put_once(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object whose key says what it holds; one that is there is left alone."""
        ...

    async def presigned_get(self, bucket: str, key: str, *, expires: timedelta) -> str:
        """Return a URL from which the object can be read without credentials for a while."""
        ...


class StsPort(Protocol):
    """The Security Token Service."""

    @property
    def endpoint(self) -> str:
        """The configured endpoint, empty for AWS's own."""
        ...

    async def whoami(self, call: SignedCall) -> Caller:
        """Make a call that somebody else has signed, and return whose signature it is.

        Raises `Rejected` when STS does not accept the signature.
        """
        ...

    async def caller(self) -> Caller:
        """Return as whom AWS sees this process."""
        ...


class AwsPort(Protocol):
    """The door to AWS."""

    @property
    def is_local(self) -> bool:
        """Whether EC2 is an emulator on this machine's loopback."""
        ...

    def ec2(self, region: str) -> Ec2Port:
        """Return EC2 in a region."""
        ...

    def ssm(self, region: str) -> SsmPort:
        """Return Systems Manager in a region."""
        ...

    def s3(self, region: str) -> S3Port:
        """Return S3 in a region."""
        ...

    def pricing(self) -> PricingPort:
        """Return the price list of all regions."""
        ...

    def sqs(self, region: str) -> SqsPort:
        """Return Simple Queue Service in a region."""
        ...

    def eventbridge(self, region: str) -> EventBridgePort:
        """Return EventBridge in a region."""
        ...

    def iam(self) -> IamPort:
        """Return Identity and Access Management."""
        ...

    def sts(self) -> StsPort:
        """Return the Security Token Service."""
        ...

    async def account(self) -> str:
        """Return the id of the account, asked for once."""
        ...

    def calls(self) -> dict[str, int]:
        """Return how many calls this process has made, by API."""
        ...
