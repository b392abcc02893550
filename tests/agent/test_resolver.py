"""Names of peers, where they resolve and where they don't."""

import pytest

from agent.orders import Peer, Peers
from agent.resolver import usable


def peers(*names: str) -> Peers:
    made = (
        Peer(
            index=index,
            instance_id=f"i-{index}",
            ip=f"127.0.0.{index + 1}",
            dns=name,
            hostname="",
            slots=1,
            host_key="",
            user_key="",
        )
        for index, name in enumerate(names)
    )
    return Peers(revision=3, complete=True, peers=tuple(made))


async def test_names_that_resolve_are_kept() -> None:
    named = peers("localhost", "localhost")
    assert await usable(named) is named


async def test_without_names_nothing_is_looked_up() -> None:
    nameless = peers("", "")
    assert await usable(nameless) is nameless


async def test_names_that_do_not_resolve_here_give_way_to_addresses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Longer than a label may be: no resolver asks anybody.
    unknown = "x" * 64
    found = await usable(peers(unknown, unknown))
    assert [each.host for each in found.peers] == ["127.0.0.1", "127.0.0.2"]
    assert found.revision == 3
    assert "does not resolve here" in "".join(capsys.readouterr())
