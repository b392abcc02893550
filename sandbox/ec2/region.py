"""One account's EC2 in one region: moto's backend with what the sandbox keeps beside it."""

from collections.abc import Callable
from itertools import count
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from sandbox.ec2.capacity import Quota
from sandbox.ec2.records import Record, Records, ReservationId
from sandbox.ec2.tokens import Tokens
from sandbox.errors import AwsError
from sandbox.request import AccountId, Region


class RegionState:
    """Everything of EC2 in one account and region."""

    def __init__(self, account: AccountId, name: Region) -> None:
        self.account = account
        self.name = name
        self.backend: Any = backend_of(account, name)
        self.records = Records()
        self.reservations: dict[ReservationId, list[Record]] = {}
        self.tokens = Tokens()
        self.quota = Quota()
        self.next_number: Callable[[], int] = count(1).__next__
        self._offered: dict[str, set[str]] = {}

    def tags(self, resource_id: str) -> dict[str, str]:
        """Return the tags of a resource."""
        found: dict[str, str] | None = self.backend.tags.get(resource_id)
        return {} if found is None else found

    def offers(self, instance_type: str) -> bool:
        """Tell whether a type can be had here; everything can in a region without data."""
        return bool(self.zones_offering(instance_type)) or not self._offered

    def zones_offering(self, instance_type: str) -> set[str]:
        """Return the zones that offer an instance type; none in a region without data."""
        if not self._offered:
            for offer in INSTANCE_TYPE_OFFERINGS["availability-zone"].get(self.name, ()):
                self._offered.setdefault(offer["InstanceType"], set()).add(offer["Location"])
        return self._offered.get(instance_type, set())


def backend_of(account: AccountId, name: Region) -> Any:
    """Return moto's EC2 of a region. Raises `AwsError` for a region that does not exist."""
    try:
        return ec2_backends[account][name]
    except KeyError as error:
        raise AwsError("InvalidParameterValue", f"The region '{name}' does not exist") from error


def vcpus(instance_type: str) -> int:
    """Return how many vCPUs a type has; 1 for a type that moto's data lacks."""
    specification: dict[str, Any] = INSTANCE_TYPES.get(instance_type, {})
    return int(specification.get("VCpuInfo", {}).get("DefaultVCpus", 1))


def architectures(instance_type: str) -> list[str]:
    """Return the architectures that a type can run."""
    specification: dict[str, Any] = INSTANCE_TYPES.get(instance_type, {})
    return list(specification.get("ProcessorInfo", {}).get("SupportedArchitectures", []))


def cpus(instance_type: str) -> tuple[int, int]:
    """Return how many cores a type has, and threads per core."""
    specification: dict[str, Any] = INSTANCE_TYPES.get(instance_type, {}).get("VCpuInfo", {})
    threads = int(specification.get("DefaultThreadsPerCore", 1))
    return int(specification.get("DefaultCores", vcpus(instance_type) // threads)), threads
