"""Dynamic updates that fail: whose fault it is, and no secret in what is said of it."""

import base64

import pytest

from services.dns.adapters.rfc2136 import Key, UpdatedZone
from spawn.contracts.zones import Change, Record
from spawn.errors import Cause, Rejected, Transient
from spawn.runtime.supervisor.probe import free_port
from tests.doors.dns.test_zones import TTL
from tests.fixtures.bind import KEY_NAME, SECRET, NameServer

pytestmark = pytest.mark.door

WRONG = base64.b64encode(b"another secret than the server's").decode()


@pytest.mark.parametrize(
    "key",
    [Key(KEY_NAME, WRONG, "hmac-sha256"), Key("stranger", SECRET, "hmac-sha256"), Key("", "", "")],
    ids=["wrong secret", "unknown key", "unsigned"],
)
async def test_who_may_not_is_told_so(name_server: NameServer, base: str, key: Key) -> None:
    zone = UpdatedZone(name_server.address, zone=name_server.zone, base=base, key=key)
    made = Change(None, Record(f"a.{base}", "A", ("10.0.0.1",), TTL))
    with pytest.raises(Rejected) as refused:
        await zone.change((made,))
    assert refused.value.cause is Cause.PERMISSION
    with pytest.raises(Rejected) as refused:
        await zone.records()
    assert refused.value.cause is Cause.PERMISSION
    assert not key.secret or key.secret not in refused.value.message


async def test_a_server_that_is_away_may_come_back(base: str) -> None:
    key = Key(KEY_NAME, SECRET, "hmac-sha256")
    zone = UpdatedZone(f"127.0.0.1:{free_port()}", zone=base, base=base, key=key)
    with pytest.raises(Transient):
        await zone.records()
    with pytest.raises(Transient):
        await zone.change((Change(None, Record(f"a.{base}", "A", ("10.0.0.1",), TTL)),))


def test_a_secret_that_is_none_is_refused_and_not_shown(base: str) -> None:
    key = Key(KEY_NAME, "s3cret!", "hmac-sha256")
    assert "s3cret!" not in repr(key)
    with pytest.raises(Rejected, match="SPAWN_DNS_TSIG_FILE") as refused:
        UpdatedZone("127.0.0.1:53", zone=base, base=base, key=key)
    assert "s3cret!" not in refused.value.message


@pytest.mark.parametrize("server", ["", ":53", "127.0.0.1:dns"])
def test_an_address_that_is_none_is_refused(base: str, server: str) -> None:
    with pytest.raises(Rejected, match="SPAWN_DNS_SERVER"):
        UpdatedZone(server, zone=base, base=base, key=Key("", "", ""))
