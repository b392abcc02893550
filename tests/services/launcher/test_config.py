"""What is set wrongly is said at the start, in one line."""

from pathlib import Path

import pytest

from services.launcher.adapters import load_agent
from services.launcher.config import Settings
from spawn.errors import Rejected
from spawn.runtime.settings import load


def test_a_default_lease_above_the_longest_one_is_refused() -> None:
    env = {"SPAWN_DEFAULT_TTL": "8h", "SPAWN_MAX_TTL": "4h"}
    with pytest.raises(Rejected) as refusal:
        load(Settings, env=env)
    assert all(f"{name}={value}" in refusal.value.message for name, value in env.items())


@pytest.mark.parametrize("content", [None, b"no archive"], ids=["no file", "no archive"])
def test_an_agent_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "agent.pyz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Rejected, match="SPAWN_AGENT_FILE"):
        load_agent(Settings(agent_file=str(path)))
