"""Volumes and network interfaces of a launch, as moto wants to be told of them."""

from typing import Any

from sandbox.ec2.parameters import Launch
from sandbox.errors import AwsError

_ROOT = {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True}


def devices(launch: Launch, root: str) -> list[dict[str, Any]]:
    """Return the volumes of a launch, the root volume among them.

    Raises `AwsError` for a mapping without a name or with an impossible size.
    """
    found: list[dict[str, Any]] = []
    for one in launch.block_device_mappings:
        name = one.get("DeviceName")
        if not name:
            raise AwsError("MissingParameter", "The request must contain the parameter deviceName")
        if "Ebs" not in one:
            # Instance store and suppressed devices have no volume.
            continue
        ebs = {"VolumeSize": 8, "DeleteOnTermination": True, **one["Ebs"]}
        if ebs["VolumeSize"] < 1:
            raise AwsError(
                "InvalidParameterValue", f"Volume of {ebs['VolumeSize']}GiB is too small"
            )
        found.append({"DeviceName": name, "Ebs": ebs})
    if not any(one["DeviceName"] == root for one in found):
        found.insert(0, {"DeviceName": root, "Ebs": dict(_ROOT)})
    return found


def interfaces(launch: Launch, subnet_id: str) -> list[dict[str, Any]]:
    """Return the network interfaces of a launch.

    Raises `AwsError` for an interface without a device index.
    """
    found: list[dict[str, Any]] = []
    for one in launch.network_interfaces:
        if "DeviceIndex" not in one:
            raise AwsError(
                "InvalidParameterValue", "Each network interface requires a device index."
            )
        # Groups are handed over for the instance as a whole, so that it lists them too.
        rest = {key: value for key, value in one.items() if key != "Groups"}
        found.append({"SubnetId": subnet_id, **rest})
    return found
