"""What ssh is told of members."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.ssh_config import (
    Known,
    config_text,
    hosts_of,
    known_hosts_text,
    ssh_arguments,
    with_include,
)
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.members import Facts, Member
from tests.cli.builders import make_array, make_member
from tests.fakes.cli_launcher import instance_of
from tests.fakes.cli_machines import HOST_KEY

KNOWN = Known(told=Path("/home/a b/told"), seen=Path("/home/a b/seen"))


def member(rank: int, *, key: str = "", public_ip: str = "") -> Member:
    instance = msgspec.structs.replace(instance_of(rank), public_ip=public_ip)
    return msgspec.structs.replace(
        make_member(rank), instance=instance, facts=Facts(host_key=key) if key else None
    )


def test_a_machine_that_told_its_key_is_believed_by_no_other() -> None:
    (host,) = hosts_of(make_array(), [member(3, key=HOST_KEY, public_ip="203.0.113.9")])
    assert config_text([host], KNOWN) == (
        "# Written by spawn; changes are lost.\n"
        "Host web-3\n"
        "    HostName 203.0.113.9\n"
        "    User ec2-user\n"
        f"    HostKeyAlias {instance_of(3).id}\n"
        '    UserKnownHostsFile "/home/a b/told"\n'
        "    StrictHostKeyChecking yes\n"
    )
    assert known_hosts_text([host]) == f"{instance_of(3).id} {HOST_KEY}\n"


def test_the_first_key_of_a_machine_that_told_none_is_kept_elsewhere() -> None:
    (host,) = hosts_of(make_array(), [member(3)])
    assert '-oUserKnownHostsFile="/home/a b/seen"' in ssh_arguments(host, KNOWN)
    assert "-oStrictHostKeyChecking=accept-new" in ssh_arguments(host, KNOWN)
    assert known_hosts_text([host]) == ""


@pytest.mark.parametrize(
    ("spec", "user"),
    [
        pytest.param(LaunchSpec(name="web"), "ec2-user", id="our image: its user"),
        pytest.param(
            LaunchSpec(name="web", ami="ami-0123abcd"), "", id="another image: ssh's own choice"
        ),
        pytest.param(
            LaunchSpec(name="web", ami="ami-0123abcd", login_user="ubuntu"), "ubuntu", id="named"
        ),
    ],
)
def test_who_logs_in(spec: LaunchSpec, user: str) -> None:
    assert [host.user for host in hosts_of(make_array(spec=spec), [member(0)])] == [user]


@given(st.text(max_size=40))
def test_nothing_that_a_machine_says_of_itself_can_add_a_line(said: str) -> None:
    key = f"{HOST_KEY}{said}"
    (host,) = hosts_of(make_array(), [member(0, key=key)])
    assert known_hosts_text([host]).count("\n") <= 1
    assert len(known_hosts_text([host]).split()) in {0, 3}
    assert config_text([host], KNOWN).count("\n") == 7


@pytest.mark.parametrize(
    "text",
    [
        "Include config.d/spawn\n",
        "Host a\n  include ~/.ssh/config.d/*\n",
        "Include other config.d/*\n",
    ],
)
def test_what_is_included_already_is_left_as_it_is(text: str) -> None:
    assert with_include(text) == text


@given(st.text())
def test_including_twice_changes_nothing_more(text: str) -> None:
    once = with_include(text)
    assert once.endswith(text)
    assert with_include(once) == once
