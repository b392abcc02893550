"""The state folder of the embedded control plane: where things are, and what runs.

`control.json` is written by the supervisor alone. The command line finds the bus by it, unless
SPAWN_NATS_URL and SPAWN_NATS_CREDS name another.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import platformdirs

from spawn.errors import Transient
from spawn.runtime.processes import ProcessRef, is_alive
from spawn.runtime.settings import load

Mode = Literal["sandbox", "aws"]
User = Literal["services", "cli", "observer", "callout", "system"]
USERS: tuple[User, ...] = ("services", "cli", "observer", "callout", "system")


class HomeSettings(msgspec.Struct, frozen=True):
    """Where the embedded control plane keeps its state, and where another bus is."""

    home: Annotated[
        str,
        msgspec.Meta(description="The state folder; the user's own for `spawn` when unset"),
    ] = ""
    nats_url: Annotated[
        str, msgspec.Meta(description="A bus elsewhere, in place of the embedded one")
    ] = ""
    nats_creds: Annotated[
        str,
        msgspec.Meta(description="A file with `user:password`, or a NATS .creds file, for it"),
    ] = ""


class Home(msgspec.Struct, frozen=True):
    """The paths inside one state folder."""

    root: Path

    @property
    def control(self) -> Path:
        """What runs: a `ControlState`."""
        return self.root / "control.json"

    @property
    def bus_conf(self) -> Path:
        """The configuration of nats-server, passwords included."""
        return self.root / "bus.conf"

    @property
    def bus_ports(self) -> Path:
        """The ports that were chosen for nats-server, kept from run to run."""
        return self.root / "bus.json"

    @property
    def credentials(self) -> Path:
        """The password of each bus user."""
        return self.root / "credentials.json"

    def creds(self, user: User) -> Path:
        """Return the file that holds `user:password` of one bus user."""
        return self.root / f"{user}.creds"

    @property
    def callout_seed(self) -> Path:
        """The seed of the key that signs who a machine is."""
        return self.root / "callout.nk"

    @property
    def bus_certificate(self) -> Path:
        """The certificate of the bus that we have made ourselves."""
        return self.root / "bus.crt"

    @property
    def bus_key(self) -> Path:
        """The private key of that certificate."""
        return self.root / "bus.key"

    def jetstream(self, mode: Mode) -> Path:
        """Return where streams are stored; the two clouds must never mix."""
        return self.root / "jetstream" / mode

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "logs"

    def log(self, process: str) -> Path:
        """Return the log of one process."""
        return self.logs / f"{process}.log"

    @property
    def runs(self) -> Path:
        """The run files of service processes."""
        return self.root / "run"

    def run_file(self, process: str) -> Path:
        """Return where a service process says its pid and addresses."""
        return self.runs / f"{process}.json"

    @property
    def sandbox(self) -> Path:
        """The state folder of the laptop cloud."""
        return self.root / "sandbox"

    @property
    def sandbox_file(self) -> Path:
        """What the laptop cloud says about itself: a `SandboxFacts`."""
        return self.sandbox / "sandbox.json"


class SandboxFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the laptop cloud listens; its keys open nothing but itself.

    Its name server answers at `dns_port` of loopback; machines' names are made below `dns_base`,
    in the hosted zone `dns_zone_id`.
    """

    pid: int
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    admin_token: str = ""
    metrics_url: str = ""
    dns_port: int = 0
    dns_zone_id: str = ""
    dns_base: str = ""


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """One process that the supervisor keeps running."""

    name: str
    process: ProcessRef
    services: tuple[str, ...] = ()
    ready: bool = False
    restarts: int = 0
    last_exit: str = ""
    """How it ended the last time that it did: an exit status or a signal."""


class ControlState(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, as `control.json` says it."""

    deployment: str
    mode: Mode
    isolate: bool
    state: Literal["starting", "ready", "stopping"]
    supervisor: ProcessRef
    bus_url: str
    """Without credentials."""
    monitor_url: str
    """Where nats-server answers /healthz, /varz and /jsz."""
    services: tuple[str, ...]
    advertised: str = ""
    """Where machines on other hosts reach the bus, `tls://host:port`; empty: nowhere."""
    fingerprint: str = ""
    """SHA-256 of the certificate that they find there, in hexadecimal."""
    children: tuple[ChildState, ...] = ()
    sandbox: SandboxFacts | None = None

    def child(self, name: str) -> ChildState | None:
        """Return the child of that name."""
        return next((child for child in self.children if child.name == name), None)


class BusAddress(msgspec.Struct, frozen=True):
    """Where the bus is, and the file (may be empty) that holds who we are on it."""

    url: str
    creds: str


def locate() -> Home:
    """Return the state folder that SPAWN_HOME names, or the user's own; it may not exist."""
    named = load(HomeSettings).home
    root = Path(named) if named else platformdirs.user_state_path("spawn", appauthor=False)
    return Home(root.expanduser().resolve())


def read(home: Home) -> ControlState | None:
    """Return what `control.json` says, true or stale; None when there is none."""
    return read_state(home.control)


def read_state(path: Path) -> ControlState | None:
    """Return the state in `path`; None when there is none.

    A file that doesn't decode was written by another version, and is as good as none: the
    processes it spoke of are also recorded outside of the folder.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ControlState)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def running(home: Home) -> ControlState | None:
    """Return the state when its supervisor lives."""
    state = read(home)
    return state if state is not None and is_alive(state.supervisor) else None


def find_bus(home: Home, user: User = "cli") -> BusAddress:
    """Return the bus to talk to: the one that SPAWN_NATS_URL names, or the embedded one.

    Raises `Transient` saying how to start a control plane when there is neither.
    """
    settings, state = load(HomeSettings), running(home)
    own = None if state is None else BusAddress(url=state.bus_url, creds=str(home.creds(user)))
    if settings.nats_url:
        # `spawn sandbox env` names this very bus, with credentials that only read.
        is_own = own is not None and _endpoint(settings.nats_url) == _endpoint(own.url)
        if own is not None and is_own and not settings.nats_creds:
            return own
        return BusAddress(url=settings.nats_url, creds=settings.nats_creds)
    if own is None:
        raise Transient(
            "no control plane is running: start one with `spawn up --sandbox` (a cloud on this"
            " machine) or `spawn up` (AWS), or name a bus by SPAWN_NATS_URL",
            code="NoControlPlane",
        )
    return BusAddress(url=own.url, creds=settings.nats_creds or own.creds)


def _endpoint(url: str) -> str:
    """Return host and port without credentials."""
    return urlsplit(url).netloc.rpartition("@")[2]
