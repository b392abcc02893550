"""Instances: what EC2 says of a machine, and the call that makes some."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.leases import LeaseAction
from spawn.contracts.pools import Market


class InstanceState(StrEnum):
    """EC2's states of an instance.

    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html).
    """

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"

    @property
    def is_going(self) -> bool:
        """Whether the instance never runs again."""
        return self in {InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED}


class Instance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One EC2 instance. `reason` is EC2's code for its last change, where it gave one.

    `spot_request` is the id of the request that a spot instance fulfils.
    """

    id: InstanceId
    state: InstanceState
    instance_type: str
    zone: str
    market: Market
    image_id: str = ""
    subnet_id: str = ""
    private_ip: str = ""
    public_ip: str = ""
    ipv6_address: str = ""
    launched_at: datetime | None = None
    reason: str = ""
    spot_request: str = ""

    @property
    def has_gone_off(self) -> bool:
        """Whether it is stopped because it has powered itself off.

        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html).
        """
        stopped = self.state is InstanceState.STOPPED
        return stopped and self.reason == "Client.InstanceInitiatedShutdown"

    @property
    def is_hibernated(self) -> bool:
        """Whether it is stopped with its memory kept.

        Where that failed EC2 says something else
        (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-instances.html).
        """
        stopped = self.state is InstanceState.STOPPED
        return stopped and self.reason == "Client.UserInitiatedHibernate"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """An instance as EC2 lists it, with what tells whose it is.

    `profile` is the name of its instance profile, empty for none.
    """

    instance: Instance
    launch_index: int
    client_token: ClientToken
    tags: dict[str, str]
    profile: str = ""


class RootVolume(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted root volume in place of the image's own: its device, its size in GiB."""

    device: str
    gib: int


class RunInstances(msgspec.Struct, frozen=True, kw_only=True):
    """The complete request of one RunInstances call, as it is sent and, after a crash, resent.

    `user_data` is plain text; the door encodes it. Metadata is IMDSv2 only, always. With
    `hibernation` the instances can be hibernated, onto this root volume. `max_price` is the
    highest spot price, in US dollars as EC2 reads them, empty for the on-demand price.
    """

    region: str
    client_token: ClientToken
    image_id: str
    instance_type: str
    subnet_id: str
    market: Market
    min_count: int
    max_count: int
    security_group_ids: tuple[str, ...]
    tags: dict[str, str]
    lease_action: LeaseAction = LeaseAction.TERMINATE
    user_data: str = ""
    key_name: str = ""
    instance_profile: str = ""
    hibernation: RootVolume | None = None
    max_price: str = ""
