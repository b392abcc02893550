from spawn.bus.handshake import Handshake


class Written:
    """A transport that keeps what it is given to send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)


def test_who_we_are_and_the_first_ping_are_sent_together() -> None:
    transport = Written()
    handshake = Handshake(transport)
    handshake.write(b'CONNECT {"user":"cli"}\r\n')
    assert transport.sent == []
    handshake.write(b"PING\r\n")
    handshake.write(b"PONG\r\n")
    assert transport.sent == [b'CONNECT {"user":"cli"}\r\nPING\r\n', b"PONG\r\n"]
