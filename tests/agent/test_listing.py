import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import listing
from agent.orders import Peer

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 someone"


def peer(index: int, **more: str) -> Peer:
    known = {"dns": "", "hostname": "", "host_key": "", "user_key": "", **more}
    return Peer(
        index=index, instance_id=f"i-{index}", ip=f"10.0.0.{index}", slots=4 - index, **known
    )


PEERS = (peer(1, host_key=KEY, user_key=KEY, hostname="ip-10-0-0-1"), peer(0))


def test_peers_stand_in_the_order_of_their_ranks() -> None:
    assert json.loads(listing.peers_json(PEERS)) == [
        {"index": 0, "instance_id": "i-0", "ip": "10.0.0.0", "dns": ""},
        {"index": 1, "instance_id": "i-1", "ip": "10.0.0.1", "dns": ""},
    ]
    assert listing.hostfile(PEERS) == "10.0.0.0 slots=4\n10.0.0.1 slots=3\n"


def test_hosts_are_listed_by_their_names_once_they_have_some() -> None:
    named = (peer(0, dns="t-0.team.test"), peer(1))
    assert listing.hostfile(named) == "t-0.team.test slots=4\n10.0.0.1 slots=3\n"
    assert json.loads(listing.peers_json(named))[0]["dns"] == "t-0.team.test"


def test_hosts_are_known_by_each_of_their_names() -> None:
    assert listing.known_hosts("t", PEERS) == f"t-1,10.0.0.1,ip-10-0-0-1 {KEY}\n"
    assert listing.authorized_keys(PEERS) == f"{KEY}\n"
    config = listing.ssh_config("t", PEERS, user="ec2-user", folder="/home/ec2-user/.ssh")
    assert config.startswith("Host t-1 10.0.0.1 ip-10-0-0-1\n    HostName 10.0.0.1\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("ssh-ed25519", id="no key"),
        pytest.param(f"{KEY}\nssh-ed25519 B", id="two lines"),
        pytest.param(f'command="sh" {KEY}', id="with options"),
        pytest.param(f"* {KEY}", id="with a pattern"),
    ],
)
def test_what_is_not_one_plain_key_lets_nobody_in(text: str) -> None:
    hostile = peer(0, user_key=text, host_key=text, hostname="*")
    assert listing.authorized_keys([hostile]) == ""
    assert listing.known_hosts("t", [hostile]) == ""
    assert listing.names_of("t", hostile) == ["t-0", "10.0.0.0"]


@given(others=st.text(max_size=200).filter(lambda text: "# spawn:" not in text))
def test_our_part_of_a_file_is_replaced_and_the_rest_is_left(others: str) -> None:
    once = listing.with_block(others, "ours\n")
    assert listing.with_block(once, "newer\n") == listing.with_block(others, "newer\n")
    assert once.endswith(others)
