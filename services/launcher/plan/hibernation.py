"""Whether machines can be hibernated, and onto what: EC2 settles it at their launch.

What EC2 asks for: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hibernating-prerequisites.html
"""

from services.launcher.model import Places
from spawn.contracts.instances import RootVolume
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected

MOST_MEMORY_MIB = 150 * 1024
"""The memory of a Linux machine that hibernates is below this."""

_GIB = 1024
_SMALLEST_GIB = 8
"""What the system itself needs, where the image does not say."""

_INSTEAD = (
    "choose a type such as m7i.large, c7i.xlarge or r7i.large, or stop machines instead: leave out"
    " --hibernate and use --on-expire stop"
)


def plan_hibernation(spec: LaunchSpec, places: Places) -> RootVolume | None:
    """Return the root volume that machines hibernate onto; None when they are not to.

    Raises `Rejected` with the reason and an alternative when a type, or the image, can't.
    """
    if not spec.hibernates:
        return None
    for name in places.types:
        _check_type(name, places)
    if not places.root_device:
        raise Rejected(
            f"hibernate: {places.image_id} has no EBS root volume, which memory is kept on; choose"
            " another image with --ami, or leave out --hibernate",
            field="ami",
            code="no-hibernation",
        )
    memory = max(places.memories.get(name, 0) for name in places.types)
    whole_gib = -(-memory // _GIB)
    return RootVolume(
        device=places.root_device, gib=max(places.root_gib, _SMALLEST_GIB) + whole_gib
    )


def _check_type(name: str, places: Places) -> None:
    memory = places.memories.get(name, 0)
    why = ""
    if name not in places.hibernating:
        why = f"EC2 does not hibernate {name}"
    elif memory >= MOST_MEMORY_MIB:
        why = f"{name} has {memory // _GIB} GiB of memory, and less than 150 can be kept"
    if why:
        raise Rejected(
            f"hibernate: {why}; {_INSTEAD}", field="instance_types", code="no-hibernation"
        )
