"""Proofs, pins and waits of the connection, on real servers."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import Clock, read_instant, write_instant
from agent.link import LONGEST_WAIT, Away, Door, Link, backoff
from agent.tasks import Tasks
from spawn.runtime.supervisor.probe import free_port
from tests.fixtures.hesitant import hesitant_server
from tests.fixtures.nats import NatsServer, running_server

pytestmark = pytest.mark.door


@given(failures=st.integers(0, 1000), luck=st.floats(0, 1))
def test_waits_grow_to_half_a_minute_and_no_further(failures: int, luck: float) -> None:
    assert 0 < backoff(failures, luck) <= LONGEST_WAIT.total_seconds()
    assert backoff(failures, luck) <= backoff(failures + 1, luck)


@given(instant=st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the bounds are naive, what is drawn is not
def test_instants_are_read_as_they_are_written(instant: datetime) -> None:
    assert read_instant(write_instant(instant)) == instant
    assert read_instant(instant.isoformat()) == instant


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05.1234567Z", "2026-01-02T04:04:05.123456+01:00"]
)
def test_instants_of_other_writers(text: str) -> None:
    assert read_instant(text) == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


class Certificate:
    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bus")])
        begin = datetime(2020, 1, 1, tzinfo=UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=36500))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = hashlib.sha256(
            made.public_bytes(serialization.Encoding.DER)
        ).hexdigest()
        self.file, self.key_file = folder / "cert.pem", folder / "key.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def tls(self) -> str:
        return f'tls {{ cert_file: "{self.file}", key_file: "{self.key_file}" }}'


@asynccontextmanager
async def linking(
    url: str,
    fingerprint: str = "",
    *,
    token: str = "",
    hears: tuple[str, ...] = (),
    clock: Clock | None = None,
) -> AsyncGenerator[Link]:
    async def credentials() -> Callable[[str], str] | None:
        return (lambda _nonce: token) if token else None

    async def receive(_data: bytes) -> None:
        return

    link = Link(Door(url, fingerprint, "i-1", hears, credentials), receive, clock or Clock())
    tasks = Tasks()
    tasks.start(link.run(link.confirm), "link")
    try:
        yield link
    finally:
        await tasks.close()


async def until_open(link: Link) -> None:
    async with asyncio.timeout(20):
        await link.open.wait()


@asynccontextmanager
async def tls_server(folder: Path, certificate: Certificate) -> AsyncGenerator[str]:
    """Run a server that listens as the advertised one does; yield where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    config = f'websocket {{ listen: "127.0.0.1:{port}", {certificate.tls} }}\n'
    async with running_server(folder, config=config):
        yield f"tls://127.0.0.1:{port}"


@pytest.mark.door
async def test_the_pinned_certificate_is_taken_and_messages_pass(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate = Certificate(tmp_path)
    async with (
        tls_server(tmp_path, certificate) as url,
        linking(url, certificate.fingerprint, token="t") as link,
    ):
        await until_open(link)
        with pytest.raises(Away, match="no responders"):
            await link.ask("a.b", b"x" * 300_000)
    assert "certificate" not in capfd.readouterr().err


@pytest.mark.door
async def test_any_other_certificate_is_refused_before_a_proof_is_sent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate = Certificate(tmp_path)
    async with (
        tls_server(tmp_path, certificate) as url,
        linking(url, "0" * 64, token="t") as link,
    ):
        await until_said(capfd, f"the bus shows certificate {certificate.fingerprint}")
        assert not link.open.is_set()


@pytest.mark.door
async def test_a_server_without_tls_is_given_no_proof(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running_server(tmp_path, config="authorization { token: t }\n") as server:
        url = server.url.replace("nats:", "tls:")
        async with linking(url, "0" * 64, token="t") as link:
            await until_said(capfd, "spawn-agent: bus: ")
            assert not link.open.is_set()


@pytest.mark.door
async def test_a_proof_is_sent_as_the_token(tmp_path: Path) -> None:
    config = "authorization { token: right }\n"
    async with (
        running_server(tmp_path, config=config) as server,
        linking(server.url, token="right") as link,
    ):
        await until_open(link)


async def test_a_machine_that_waits_long_for_the_verdict_is_heard() -> None:
    async with (
        hesitant_server() as server,
        linking(server.url, token="t", hears=("tell.me",)) as link,
        asyncio.timeout(20),
    ):
        await link.open.wait()
        while not (await server.told.get()).startswith(b"SUB tell.me"):
            continue


async def test_a_machine_that_is_refused_after_long_is_not_let_in(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with (
        hesitant_server(b"-ERR 'Authorization Violation'") as server,
        linking(server.url, token="t") as link,
    ):
        await until_said(capfd, "Authorization Violation")
        assert not link.open.is_set()


class Hasty(Clock):
    """Sleeps no longer than it must, and keeps how long it was to sleep."""

    def __init__(self) -> None:
        self.slept: list[timedelta] = []
        self.long_away = asyncio.Event()

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        if duration > LONGEST_WAIT / 4:
            self.long_away.set()
        await super().sleep(timedelta(0))


async def test_who_checks_proofs_may_settle_when_a_server_is_back() -> None:
    port, clock = free_port(), Hasty()
    async with linking(f"nats://127.0.0.1:{port}", token="t", clock=clock) as link:
        await clock.long_away.wait()
        async with hesitant_server(port=port):
            await until_open(link)
            assert timedelta(seconds=1) <= clock.slept[-1] <= timedelta(seconds=2)
            # Before it, the wait for the next try.
            assert clock.slept[-2] > LONGEST_WAIT / 4


@pytest.mark.door
async def test_nobody_is_asked_over_no_connection(nats_server: NatsServer) -> None:
    async with linking(nats_server.url) as link:
        with pytest.raises(Away, match="not connected"):
            await link.ask("a.b", b"")
        await until_open(link)
        with pytest.raises(Away, match="no responders"):
            await link.ask("a.b", b"")


async def until_said(capfd: pytest.CaptureFixture[str], text: str) -> None:
    said = ""
    async with asyncio.timeout(20):
        while text not in said:
            await Clock().sleep(timedelta(milliseconds=20))
            said += capfd.readouterr().err
