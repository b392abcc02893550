"""The machine images of the sandbox: Amazon Linux 2023 for both architectures, in each region.

moto loads 1301 images, matches each launch against all of them, and none of them is what the
public SSM parameters name. Here the list is what those parameters say, so that an image found
by either road is the same.
"""

from hashlib import sha256
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter
from moto.utilities.utils import load_resource

from sandbox.ec2 import originals

OWNER = "137112412989"
"""Amazon's account (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html)."""

_SSM = "ssm/resources/ami-amazon-linux-latest"
_NAMES = frozenset(
    f"/aws/service/ami-amazon-linux-latest/al2023-ami{kind}-kernel-default-{architecture}"
    for kind in ("", "-minimal")
    for architecture in ("x86_64", "arm64")
)


def images(region: str) -> list[dict[str, Any]]:
    """Return the images of a region, as keywords of moto's `Ami`."""
    return [_image(value, name.rpartition("/")[2]) for name, value in parameters(region).items()]


def parameters(region: str) -> dict[str, str]:
    """Return the public SSM parameters of a region's images, and the ids that they give."""
    try:
        known: list[dict[str, str]] = load_resource(f"{_SSM}/{region}.json")
    except FileNotFoundError:
        return {name: _made_up(region, name) for name in _NAMES}
    return {one["Name"]: one["Value"] for one in known if one["Name"] in _NAMES}


def load(backend: Any) -> None:
    """Fill a region's list of images, in place of `AmiBackend._load_amis`."""
    for image in images(backend.region_name):
        backend.amis[image["ami_id"]] = Ami(backend, **image)


def add_parameters(store: Any) -> None:
    """Let SSM name the images also in a region that moto has no data of."""
    originals.load_parameters(store)
    plain: Any = dict
    for name, value in parameters(store.region_name).items():
        # The store's own look-ups would ask for this very loading again.
        if not plain.__contains__(store, name):
            plain.__setitem__(store, name, [_parameter(store, name, value)])


def _parameter(store: Any, name: str, value: str) -> Any:
    return Parameter(
        account_id=store.account_id,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=0,
        version=1,
        data_type="aws:ec2:image",
    )


def _made_up(region: str, name: str) -> str:
    """Return an id that is the same in every run."""
    return f"ami-{sha256(f'{region}{name}'.encode()).hexdigest()[:17]}"


def _image(image_id: str, title: str) -> dict[str, Any]:
    architecture = "arm64" if title.endswith("arm64") else "x86_64"
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
