"""What each process is started with: argv and environment, from values."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from spawn.errors import NotFound
from spawn.runtime.home import ControlState, Home, Mode, SandboxFacts
from spawn.runtime.supervisor.bus_config import SERVICES_INBOX

BUS = "nats-server"
CLOUD = "sandbox"
SERVICES = "services"
"""The names of the processes; with `isolate` each service is a process of its own name."""

BUILT_AGENT = Path(__file__).resolve().parents[3] / "build" / "agent.pyz"
"""The machines' agent as `make agent` leaves it beside the code."""

_AGENT_FILE = "SPAWN_AGENT_FILE"
_DNS_BACKEND, _ROUTE53 = "SPAWN_DNS_BACKEND", "route53"
_SPOT_SETUP = "SPAWN_SPOT_SETUP"
_NOWHERE = "/dev/null"
_BROKER = "iam_broker"
"""The one service that is given the keys of the bus's doors."""


class Options(msgspec.Struct, frozen=True):
    """What `spawn up` was asked for."""

    mode: Mode
    isolate: bool = False


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One process to start.

    `tethered`: it is sent SIGTERM when the supervisor dies.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    tethered: bool = True
    services: tuple[str, ...] = ()


def bus(home: Home, *, binary: Path, env: Mapping[str, str]) -> Spec:
    """Return how nats-server is started."""
    return Spec(
        name=BUS,
        argv=(str(binary), "--config", str(home.bus_conf)),
        env=env,
        log=home.log(BUS),
    )


def cloud(home: Home, *, port: int, env: Mapping[str, str]) -> Spec:
    """Return how the laptop cloud is started; port 0 lets it choose.

    It is given nothing of the real AWS, and is not tethered: its instances go on. Without an
    agent there is nothing for machines to do, and none is made.
    """
    machines = "real" if env.get(_AGENT_FILE, "built") else "off"
    where = ("--state", str(home.sandbox), "--port", str(port))
    argv = (*_python("sandbox"), *where, "--machines", machines)
    return Spec(
        name=CLOUD,
        argv=argv,
        env=without_aws(env),
        log=home.log(CLOUD),
        tethered=False,
    )


def groups(services: Sequence[str], *, isolate: bool) -> dict[str, tuple[str, ...]]:
    """Return the service processes by name, and the services of each."""
    if isolate:
        return {service: (service,) for service in services}
    return {SERVICES: tuple(services)}


def host(home: Home, name: str, services: tuple[str, ...], *, env: Mapping[str, str]) -> Spec:
    """Return how a process with these services is started.

    Its replica is named after its slot: started again, it is the same replica, and takes what
    its predecessor held.
    """
    own = {"SPAWN_REPLICA": f"{name}-0", "SPAWN_RUN_FILE": str(home.run_file(name))}
    if _BROKER in services:
        own |= {
            "SPAWN_CALLOUT_CREDS": str(home.creds("callout")),
            "SPAWN_CALLOUT_SEED": str(home.callout_seed),
            "SPAWN_SYSTEM_CREDS": str(home.creds("system")),
        }
    return Spec(
        name=name,
        argv=(*_python("spawn.runtime.host"), *services),
        env={**env, **own},
        log=home.log(name),
        services=services,
    )


def service_env(base: Mapping[str, str], home: Home, *, state: ControlState) -> dict[str, str]:
    """Return the environment of the services: the bus, and the one cloud that they may touch."""
    env = dict(base) if state.sandbox is None else cloud_env(base, state.sandbox)
    if state.isolate:
        # One port for several processes; each finds its own.
        env.pop("SPAWN_HTTP_PORT", None)
    return {
        **_machine_env(state),
        _AGENT_FILE: str(BUILT_AGENT),
        # On the laptop nobody has to be asked before something is made in an account.
        **({} if state.sandbox is None else {_SPOT_SETUP: "true"}),
        **env,
        **_names_env(base, state.sandbox),
        "SPAWN_HOME": str(home.root),
        "SPAWN_DEPLOYMENT": state.deployment,
        "SPAWN_NATS_URL": state.bus_url,
        "SPAWN_NATS_CREDS": str(home.creds("services")),
        "SPAWN_NATS_INBOX": SERVICES_INBOX,
    }


def agent_file(base: Mapping[str, str]) -> str:
    """Return the path of the machines' agent; none when machines are to run nothing.

    Raises `NotFound` with what to do when there is no such file.
    """
    chosen = base.get(_AGENT_FILE, str(BUILT_AGENT))
    if chosen and not Path(chosen).is_file():
        raise NotFound(
            f"the machines' agent is missing: no file {chosen}; `make agent` builds it, and"
            f" {_AGENT_FILE} names another"
        )
    return chosen


def _machine_env(state: ControlState) -> dict[str, str]:
    """Return where machines reach the bus; those of the laptop cloud are on its own host."""
    if state.advertised:
        return {
            "SPAWN_MACHINE_BUS_URL": state.advertised,
            "SPAWN_BUS_FINGERPRINT": state.fingerprint,
        }
    return {"SPAWN_MACHINE_BUS_URL": state.bus_url} if state.mode == "sandbox" else {}


def _names_env(base: Mapping[str, str], sandbox: SandboxFacts | None) -> dict[str, str]:
    """Return where names are written on the laptop cloud: its own zone, never one of AWS'.

    Another backend that the surroundings name is theirs to choose.
    """
    if sandbox is None or base.get(_DNS_BACKEND, _ROUTE53) != _ROUTE53:
        return {}
    return {
        _DNS_BACKEND: _ROUTE53,
        "SPAWN_DNS_BASE": sandbox.dns_base,
        "SPAWN_DNS_ZONE_ID": sandbox.dns_zone_id,
    }


def cloud_env(base: Mapping[str, str], sandbox: SandboxFacts) -> dict[str, str]:
    """Return `base` with AWS replaced by the laptop cloud.

    Everything of AWS' own goes first: a profile, a session token or an endpoint of one service
    (AWS_ENDPOINT_URL_EC2, or one in the configuration file) would win over ours and reach the
    real account.
    """
    return {
        **without_aws(base),
        **aws_exports(sandbox),
        "AWS_CONFIG_FILE": _NOWHERE,
        "AWS_SHARED_CREDENTIALS_FILE": _NOWHERE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": _without_proxy(base),
        "no_proxy": _without_proxy(base),
    }


def without_aws(base: Mapping[str, str]) -> dict[str, str]:
    """Return `base` without anything that AWS clients read."""
    return {name: value for name, value in base.items() if not name.startswith("AWS_")}


def aws_exports(sandbox: SandboxFacts) -> dict[str, str]:
    """Return the variables by which any AWS client sees the laptop cloud."""
    return {
        "AWS_ENDPOINT_URL": sandbox.endpoint,
        "AWS_DEFAULT_REGION": sandbox.region,
        "AWS_REGION": sandbox.region,
        "AWS_ACCESS_KEY_ID": sandbox.access_key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.secret_access_key,
    }


def _without_proxy(base: Mapping[str, str]) -> str:
    hosts = base.get("NO_PROXY") or base.get("no_proxy", "")
    return ",".join(filter(None, (hosts, "127.0.0.1", "localhost")))


def _python(module: str) -> tuple[str, ...]:
    # -P: what stands in the current folder is not ours to import.
    return sys.executable, "-P", "-m", module
