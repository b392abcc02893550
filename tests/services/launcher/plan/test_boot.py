import subprocess

import pytest

from agent import deadman
from services.launcher.plan.boot import CAP_AFTER, LARGEST_USER_DATA, render_user_data
from spawn.contracts.arrays import Boot
from spawn.errors import Rejected
from tests.builders import a_chunk, an_array

BOOT = Boot(
    agent_url="https://bucket.s3.amazonaws.com/agent/x.pyz?X-Amz-Signature=a&b='c'",
    agent_sha256="0" * 64,
    bus_url="tls://bus.example.org:4222",
    bus_fingerprint="f" * 64,
)
NAMES = [
    "DEPLOYMENT",
    "ARRAY_ID",
    "RANKS",
    "GENERATION",
    "LEASE",
    "LEASE_ACTION",
    "TTL_CAP",
    "BUS_URL",
    "BUS_FINGERPRINT",
    "AGENT_URL",
    "AGENT_SHA256",
]


def test_every_value_reaches_the_shell_as_it_is() -> None:
    template = "\n".join(f"printf '%s\\n' @{name}@" for name in NAMES)
    script = render_user_data(template, an_array(), a_chunk("0-3"), BOOT)
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [
        "test",
        "training-abcdefghijkl",
        "0-3",
        "0",
        "2026-12-01T20:00:00Z",
        "terminate",
        str(8 * 3600 + 600),
        BOOT.bus_url,
        BOOT.bus_fingerprint,
        BOOT.agent_url,
        BOOT.agent_sha256,
    ]


def test_a_script_that_is_too_large_is_refused() -> None:
    with pytest.raises(Rejected, match="8192 fit"):
        render_user_data("#" * (LARGEST_USER_DATA + 1), an_array(), a_chunk(), BOOT)


def test_a_machine_is_capped_alike_at_its_boot_and_by_its_agent() -> None:
    assert deadman.CAP_AFTER == CAP_AFTER
