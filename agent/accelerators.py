"""How busy a machine's accelerators are: nothing where there is none, unknown where none tells."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from agent.places import read_text

_NVIDIA, _AMD = "0x10de", "0x1002"
"""Vendors of GPUs in EC2 (https://pci-ids.ucw.cz); Amazon's own displays are emulated."""

_DISPLAY, _DISPLAY_3D, _ACCELERATOR = "0x03", "0x0302", "0x12"
"""How classes of devices begin (https://pci-ids.ucw.cz/read/PD)."""

_WITHIN = timedelta(seconds=10)


def busy_share(root: Path) -> float | None:
    """Return the share of time at which the busiest one works; None when it can't be told."""
    try:
        vendors = set(_accelerators(root))
    except OSError:
        return None
    if any((root / "dev").glob("neuron*")):
        # Inferentia and Trainium are no displays, and their tools are not on every image.
        return None
    if not vendors:
        return 0.0
    return _ask_nvidia() if vendors == {_NVIDIA} else None


def _accelerators(root: Path) -> Iterator[str]:
    """Yield the vendor of each accelerator that a driver has taken; without one none works."""
    for device in sorted((root / "sys/bus/pci/devices").iterdir()):
        kind, vendor = read_text(device / "class"), read_text(device / "vendor")
        is_gpu = vendor in {_NVIDIA, _AMD} and kind.startswith(_DISPLAY)
        is_other = kind.startswith((_DISPLAY_3D, _ACCELERATOR))
        if (is_gpu or is_other) and (device / "driver").exists():
            yield vendor


def _ask_nvidia() -> float | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_WITHIN.total_seconds(),
        )
        return max(float(each) for each in done.stdout.split()) / 100
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
