"""The hosts file that machines see."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.route53.models import RecordSet

from sandbox.names.hosts import SLOT, HostsFile
from sandbox.names.zones import Zone, make_zone

BASE = b"127.0.0.1 localhost\n# the host's own, without a last line's end"


def zone(entries: dict[str, list[str]]) -> Zone:
    records = [
        RecordSet({"Name": f"{n}.t.", "Type": "A", "TTL": 30, "ResourceRecords": a})
        for n, a in entries.items()
    ]
    return make_zone("t.", records)


def read(path: Path) -> set[tuple[str, str]]:
    """Return what a resolver reads of a file: each name with each of its addresses."""
    lines = (line.partition(b"#")[0].split() for line in path.read_bytes().splitlines())
    return {
        (name.decode(), address.decode())
        for address, *names in filter(None, lines)
        for name in names
    }


OWN = {("localhost", "127.0.0.1")}


def test_names_come_and_go_and_the_hosts_own_stay(tmp_path: Path) -> None:
    hosts = HostsFile(tmp_path / "hosts")
    hosts.begin(BASE)
    assert read(hosts.path) == OWN
    hosts.show([zone({"a": ["127.16.0.1", "127.16.0.2"], "b": ["127.16.0.3"]})])
    expected = {("a.t", "127.16.0.1"), ("a.t", "127.16.0.2"), ("b.t", "127.16.0.3")}
    assert read(hosts.path) == OWN | expected
    hosts.show([])
    assert read(hosts.path) == OWN


def test_addresses_of_other_hosts_are_left_to_the_name_server(tmp_path: Path) -> None:
    hosts = HostsFile(tmp_path / "hosts")
    hosts.begin(b"")
    hosts.show([zone({"a": ["192.0.2.1"], "*": ["127.16.0.1"]})])
    assert read(hosts.path) == set()


_names = st.sampled_from(["a", "b", "c", "d.e"])
_addresses = st.sets(st.sampled_from([f"127.16.0.{n}" for n in range(1, 6)]), min_size=1)


@given(st.lists(st.dictionaries(_names, _addresses.map(sorted)), max_size=6))
def test_after_any_history_the_file_says_what_the_zones_say(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, list[str]]]
) -> None:
    hosts = HostsFile(tmp_path_factory.mktemp("hosts") / "hosts")
    hosts.begin(BASE)
    inode = hosts.path.stat().st_ino
    most = 0
    for entries in history:
        hosts.show([zone(entries)])
        pairs = {(f"{name}.t", each) for name, found in entries.items() for each in found}
        assert read(hosts.path) == OWN | pairs
        most = max(most, len(pairs))
    # Bound over another file, it must stay itself, and an entry must lie within a page.
    assert hosts.path.stat().st_ino == inode
    assert hosts.path.stat().st_size % SLOT == 0
    assert hosts.path.stat().st_size <= (1 + most) * SLOT
