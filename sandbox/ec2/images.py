"""The machine images of the sandbox: Amazon Linux 2023 for both architectures, in each region.

moto loads 1301 images, matches each launch against all of them, and none of them is what the
public SSM parameters name. Here the list is what those parameters say, so that an image found
by either road is the same.
"""

from typing import Any

from moto.ec2.models.amis import Ami
from moto.utilities.utils import load_resource

OWNER = "137112412989"
"""Amazon's account (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html)."""

_PREFIX = "/aws/service/ami-amazon-linux-latest/al2023-ami"
_KINDS = ("minimal-kernel-default", "kernel-default")


def images(region: str) -> list[dict[str, Any]]:
    """Return the images of a region, as keywords of moto's `Ami`."""
    found: list[dict[str, Any]] = []
    for parameter in _parameters(region):
        name: str = parameter["Name"]
        if not name.startswith(_PREFIX) or not any(f"-{kind}-" in name for kind in _KINDS):
            continue
        architecture = "arm64" if name.endswith("arm64") else "x86_64"
        title = name.rpartition("/")[2]
        found.append(_image(parameter["Value"], title, architecture))
    return found


def load(backend: Any) -> None:
    """Fill a region's list of images, in place of `AmiBackend._load_amis`."""
    for image in images(backend.region_name):
        backend.amis[image["ami_id"]] = Ami(backend, **image)


def _parameters(region: str) -> list[dict[str, Any]]:
    try:
        return load_resource(f"ssm/resources/ami-amazon-linux-latest/{region}.json")
    except FileNotFoundError:
        # A region too new for moto's data: its SSM parameters are absent as well.
        return []


def _image(image_id: str, title: str, architecture: str) -> dict[str, Any]:
    return {
        "ami_id": image_id,
        "name": f"{title}-sandbox",
        "description": f"Amazon Linux 2023 ({title})",
        "owner_id": OWNER,
        "owner_alias": "amazon",
        "public": True,
        "virtualization_type": "hvm",
        "architecture": architecture,
        "state": "available",
        "platform": None,
        "image_type": "machine",
        "hypervisor": "xen",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "sriov": "simple",
    }
