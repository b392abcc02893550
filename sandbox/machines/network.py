"""Addresses of machines: each region's default VPC is a /16 of 127.0.0.0/8.

Linux answers on every address of 127.0.0.0/8 without any setting up, so an instance's private
IP can be listened on, and reached, by every process of this host.
"""

from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from pathlib import Path
from typing import Any

from moto.ec2.exceptions import DefaultVpcAlreadyExists
from moto.ec2.models.vpcs import VPCBackend

LOOPBACK = IPv4Network("127.0.0.0/8")
_FIRST, _MANY = 16, 224
"""127.0 to 127.15 are left to others."""


def install(state: Path) -> Callable[[], None]:
    """Let default VPCs that are made from now on lie in 127.0.0.0/8; call the result to undo it.

    Where they begin depends on the state folder: two sandboxes on one host rarely meet.
    """
    owner: Any = VPCBackend
    original: Any = owner.create_default_vpc
    start = int.from_bytes(sha256(str(state.resolve()).encode()).digest()[:2])
    numbers = count(start)

    def create_default_vpc(backend: Any) -> Any:
        if backend.describe_vpcs(filters={"is-default": ["true"]}):
            raise DefaultVpcAlreadyExists
        block = f"127.{_FIRST + next(numbers) % _MANY}.0.0/16"
        vpc = backend.create_vpc(cidr_block=block, is_default=True)
        for zone in backend.describe_availability_zones():
            backend.create_default_subnet(zone.name)
        return vpc

    owner.create_default_vpc = create_default_vpc

    def uninstall() -> None:
        owner.create_default_vpc = original

    return uninstall


def is_loopback(address: str) -> bool:
    """Tell whether a machine can have an address."""
    return bool(address) and IPv4Address(address) in LOOPBACK
