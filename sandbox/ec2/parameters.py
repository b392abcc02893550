"""Parameters of EC2 calls, read with botocore's model of the API: the names of boto3."""

from typing import Any, TypeVar

import msgspec
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model

from sandbox.ec2.filters import Filter
from sandbox.ec2.records import Disruption
from sandbox.errors import AwsError
from sandbox.request import Call

S = TypeVar("S", bound=msgspec.Struct)


class ById(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A call on instances that are named by id."""

    instance_ids: tuple[str, ...] = ()
    dry_run: bool = False
    hibernate: bool = False


class Describe(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """DescribeInstances and DescribeInstanceStatus."""

    instance_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    max_results: int | None = None
    next_token: str | None = None
    include_all_instances: bool = False
    dry_run: bool = False


class Placement(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Where instances are asked for."""

    availability_zone: str | None = None
    host_id: str | None = None
    tenancy: str = "default"


class Profile(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An instance profile, by name or ARN."""

    arn: str | None = None
    name: str | None = None


class SpotOptions(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What kind of spot request a launch makes."""

    spot_instance_type: str = "one-time"
    max_price: str | None = None
    instance_interruption_behavior: Disruption = "terminate"


class MarketOptions(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The market that a launch is for."""

    market_type: str | None = None
    spot_options: SpotOptions = SpotOptions()


class Switch(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Something on or off."""

    enabled: bool = False


class Tag(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A key and its value."""

    key: str
    value: str = ""


class TagSpecification(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Tags for one kind of resource that a launch makes."""

    resource_type: str = ""
    tags: tuple[Tag, ...] = ()


class Launch(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """RunInstances
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html).
    """  # noqa: D205, D209  the link belongs to the sentence

    image_id: str | None = None
    min_count: int | None = None
    max_count: int | None = None
    instance_type: str = "m1.small"
    key_name: str | None = None
    subnet_id: str | None = None
    security_group_ids: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    user_data: str | None = None
    client_token: str = ""
    placement: Placement = Placement()
    iam_instance_profile: Profile | None = None
    network_interfaces: list[dict[str, Any]] = []
    tag_specifications: tuple[TagSpecification, ...] = ()
    instance_market_options: MarketOptions | None = None
    metadata_options: dict[str, Any] = {}
    block_device_mappings: list[dict[str, Any]] = []
    ebs_optimized: bool = False
    disable_api_termination: bool = False
    disable_api_stop: bool = False
    instance_initiated_shutdown_behavior: str | None = None
    hibernation_options: dict[str, Any] = {}
    monitoring: Switch = Switch()
    private_ip_address: str | None = None
    ipv6_address_count: int | None = None
    dry_run: bool = False

    @property
    def one_time(self) -> bool:
        """Whether the launch makes a one-time spot request."""
        options = self.instance_market_options or MarketOptions()
        return self.spot and options.spot_options.spot_instance_type == "one-time"

    @property
    def when_interrupted(self) -> Disruption:
        """What EC2 does to an instance of the launch when it takes it back."""
        options = self.instance_market_options or MarketOptions()
        return options.spot_options.instance_interruption_behavior

    @property
    def spot(self) -> bool:
        """Whether the launch is for the spot market."""
        options = self.instance_market_options
        return options is not None and options.market_type == "spot"


def parse(call: Call) -> dict[str, Any]:
    """Return the parameters of an EC2 call under their boto3 names.

    Raises `AwsError` InvalidParameterValue for a value of the wrong type.
    """
    operation = get_service_model("ec2").operation_model(call.action)
    parser = PROTOCOL_PARSERS["ec2"](operation, map_type=dict)
    request: Any = {
        "method": call.method,
        "values": call.form,
        "headers": {},
        "body": b"",
        "url_path": "/",
        "url_params": {},
    }
    try:
        return parser.parse(request)
    except (ValueError, TypeError) as error:
        raise AwsError("InvalidParameterValue", f"A parameter is invalid: {error}") from error


def convert(parameters: dict[str, Any], kind: type[S]) -> S:
    """Return parameters as a Struct. Raises `AwsError` for a value of the wrong type."""
    try:
        return msgspec.convert(parameters, kind)
    except msgspec.ValidationError as error:
        raise AwsError("InvalidParameterValue", f"A parameter is invalid: {error}") from error


def read(call: Call, kind: type[S]) -> S:
    """Return a call's parameters as a Struct. Raises `AwsError` for a wrong value."""
    return convert(parse(call), kind)


def dry_run() -> AwsError:
    """Return the answer to a dry run that would have succeeded."""
    return AwsError(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412
    )
