"""Headers of messages are read as nats-py reads them, in less time."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from spawn.bus.wire import HardenedClient

_PIECES = st.sampled_from(
    [b"Nats-Msg-Id", b"a", b":", b": ", b" ", b"\t", b"\r\n", b"\n", b"\xff", "é".encode(), b"7"]
)


def read(client: type[Client], raw: bytes) -> dict[str, str]:
    parse: Any = cast("Any", client)._parse_header_lines  # noqa: SLF001 - what is replaced
    return {name: value for name, value in parse(raw).items() if name}


@given(st.lists(_PIECES, max_size=30).map(b"".join))
def test_any_bytes_are_read_as_before(raw: bytes) -> None:
    assert read(HardenedClient, raw) == read(Client, raw)
