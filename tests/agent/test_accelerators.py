from pathlib import Path

import pytest

from agent.accelerators import busy_share


def plug_in(root: Path, vendor: str, kind: str, *, driver: bool = True) -> None:
    device = root / "sys/bus/pci/devices/0000:00:1e.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")
    if driver:
        (device / "driver").mkdir()


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("script", "share"),
    [
        pytest.param("printf '3\\n42\\n'", 0.42, id="the busiest"),
        pytest.param("echo '[N/A]'", None, id="none that can be told"),
        pytest.param("echo NVIDIA-SMI has failed; exit 9", None, id="it fails"),
    ],
)
def test_nvidias_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, share: float | None
) -> None:
    plug_in(tmp_path, "0x10de", "0x030200")
    nvidia_smi(tmp_path, monkeypatch, script)
    assert busy_share(tmp_path) == share


@pytest.mark.parametrize(
    ("vendor", "kind", "share"),
    [
        pytest.param("0x1d0f", "0x030000", 0.0, id="EC2's own display"),
        pytest.param("0x1d0f", "0x020000", 0.0, id="a network card"),
        pytest.param("0x10de", "0x030200", None, id="an NVIDIA that nobody can ask"),
        pytest.param("0x1002", "0x038000", None, id="an AMD GPU"),
        pytest.param("0x10ee", "0x120000", None, id="an FPGA"),
    ],
)
def test_others_are_unknown_if_they_may_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: str, kind: str, share: float | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plug_in(tmp_path, vendor, kind)
    assert busy_share(tmp_path) == share


def test_without_a_driver_none_works(tmp_path: Path) -> None:
    plug_in(tmp_path, "0x10de", "0x030200", driver=False)
    assert busy_share(tmp_path) == 0.0


def test_inferentia_is_unknown(tmp_path: Path) -> None:
    plug_in(tmp_path, "0x1d0f", "0x088000")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/neuron0").touch()
    assert busy_share(tmp_path) is None


def test_devices_that_are_not_listed_are_unknown(tmp_path: Path) -> None:
    assert busy_share(tmp_path) is None
