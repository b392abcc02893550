"""What AWS says of the things that instances are made from: frozen Structs."""

from collections.abc import Mapping

import msgspec

from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Outcome


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A machine image; `architecture` is EC2's word, `x86_64` or `arm64`; sizes in GiB."""

    id: str
    name: str
    architecture: str
    state: str
    root_device: str
    root_gib: int = 0


class InstanceType(msgspec.Struct, frozen=True, kw_only=True):
    """What a type of instance has and can."""

    name: str
    architectures: tuple[str, ...]
    vcpus: int
    memory_mib: int
    gpus: int
    spot: bool
    hibernation: bool


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet, which stands for its zone; `zone_id` names the zone for every account alike."""

    id: str
    zone: str
    vpc_id: str
    default_for_zone: bool
    free_addresses: int
    zone_id: str = ""


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A security group."""

    id: str
    name: str
    vpc_id: str


class Powered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stop or a start: the states that began, and why the others did not."""

    states: Mapping[InstanceId, InstanceState]
    refused: Mapping[InstanceId, Outcome]


class Caller(msgspec.Struct, frozen=True):
    """As whom AWS sees this process."""

    account: str
    arn: str


class Queue(msgspec.Struct, frozen=True):
    """A queue: by what it is called, and by what policies and rules name it."""

    url: str
    arn: str


class QueueMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was received, for the `received`-th time; `receipt` deletes it."""

    id: str
    receipt: str
    body: str
    received: int = 1


class EventRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that sends the events that match its pattern (JSON) to a target."""

    name: str
    pattern: str
    description: str
    target_arn: str
