"""What processes are started with."""

from pathlib import Path

import msgspec
import pytest

from spawn.errors import NotFound
from spawn.runtime.home import ControlState, Home, SandboxFacts
from spawn.runtime.processes import ProcessRef
from spawn.runtime.supervisor import specs

HOME = Home(Path("/state"))
CLOUD = SandboxFacts(
    pid=1,
    endpoint="http://127.0.0.1:5000",
    region="us-east-1",
    access_key_id="AKIAX",
    secret_access_key="fake",
)
STATE = ControlState(
    deployment="ada-1",
    mode="sandbox",
    isolate=False,
    state="starting",
    supervisor=ProcessRef(1, "x"),
    bus_url="nats://127.0.0.1:4222",
    monitor_url="http://127.0.0.1:8222",
    services=("launcher", "ttl"),
    sandbox=CLOUD,
)
REAL_AWS = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "t",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_ENDPOINT_URL_EC2": "https://ec2.us-east-1.amazonaws.com",
    "AWS_CONFIG_FILE": "/home/ada/.aws/config",
}


def test_in_the_sandbox_nothing_leads_to_the_real_account() -> None:
    env = specs.service_env({**REAL_AWS, "HOME": "/home/ada"}, HOME, state=STATE)
    assert env["AWS_ENDPOINT_URL"] == CLOUD.endpoint
    assert env["AWS_ACCESS_KEY_ID"] == CLOUD.access_key_id
    assert env["AWS_CONFIG_FILE"] == env["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert env["HOME"] == "/home/ada"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_EC2"} & env.keys()
    cloud = specs.cloud(HOME, port=0, env=REAL_AWS)
    assert not cloud.env


def test_on_aws_its_variables_are_passed_on() -> None:
    state = msgspec.structs.replace(STATE, mode="aws", sandbox=None)
    env = specs.service_env(REAL_AWS, HOME, state=state)
    assert env.items() >= REAL_AWS.items()


def test_services_are_told_their_bus_whatever_the_surroundings_say() -> None:
    around = {"SPAWN_NATS_URL": "nats://elsewhere", "SPAWN_NATS_CREDS": "/other"}
    env = specs.service_env(around, HOME, state=STATE)
    assert env["SPAWN_NATS_URL"] == STATE.bus_url
    assert env["SPAWN_NATS_CREDS"] == "/state/services.creds"
    assert env["SPAWN_DEPLOYMENT"] == "ada-1"


def test_machines_get_the_agent_that_was_built_unless_another_is_named() -> None:
    assert specs.service_env({}, HOME, state=STATE)["SPAWN_AGENT_FILE"] == str(specs.BUILT_AGENT)
    named = {"SPAWN_AGENT_FILE": "/other.pyz"}
    assert specs.service_env(named, HOME, state=STATE).items() >= named.items()


def test_a_missing_agent_is_named_with_what_to_do(tmp_path: Path) -> None:
    there = tmp_path / "agent.pyz"
    there.touch()
    assert specs.agent_file({"SPAWN_AGENT_FILE": str(there)}) == str(there)
    assert not specs.agent_file({"SPAWN_AGENT_FILE": ""})
    with pytest.raises(NotFound, match="make agent"):
        specs.agent_file({"SPAWN_AGENT_FILE": str(tmp_path / "none.pyz")})


@pytest.mark.parametrize(
    ("around", "expected"),
    [({}, "127.0.0.1,localhost"), ({"no_proxy": "corp"}, "corp,127.0.0.1,localhost")],
    ids=["none: loopback", "some: loopback too"],
)
def test_loopback_is_never_asked_through_a_proxy(around: dict[str, str], expected: str) -> None:
    assert specs.cloud_env(around, CLOUD)["NO_PROXY"] == expected


@pytest.mark.parametrize(
    ("isolate", "expected"),
    [
        (False, {"services": ("launcher", "ttl")}),
        (True, {"launcher": ("launcher",), "ttl": ("ttl",)}),
    ],
    ids=["together: one process", "isolated: one each"],
)
def test_services_are_grouped(isolate: bool, expected: dict[str, tuple[str, ...]]) -> None:
    assert specs.groups(("launcher", "ttl"), isolate=isolate) == expected


def test_isolated_services_do_not_share_a_fixed_port() -> None:
    around = {"SPAWN_HTTP_PORT": "9000"}
    isolated = msgspec.structs.replace(STATE, isolate=True)
    assert specs.service_env(around, HOME, state=STATE)["SPAWN_HTTP_PORT"] == "9000"
    assert "SPAWN_HTTP_PORT" not in specs.service_env(around, HOME, state=isolated)


def test_a_slot_is_the_same_replica_at_every_start() -> None:
    first, second = (specs.host(HOME, "ttl", ("ttl",), env={}) for _ in range(2))
    assert first == second
    assert first.env["SPAWN_REPLICA"] == "ttl-0"
    assert first.env["SPAWN_RUN_FILE"] == "/state/run/ttl.json"
    assert first.argv[-1] == "ttl"


def test_only_the_cloud_outlives_its_supervisor() -> None:
    bus = specs.bus(HOME, binary=Path("/bin/nats-server"), env={})
    host = specs.host(HOME, "ttl", ("ttl",), env={})
    cloud = specs.cloud(HOME, port=1, env={})
    assert (bus.tethered, host.tethered, cloud.tethered) == (True, True, False)


def test_only_the_broker_is_given_the_keys_of_the_doors() -> None:
    keys = {"SPAWN_CALLOUT_CREDS", "SPAWN_CALLOUT_SEED", "SPAWN_SYSTEM_CREDS"}
    assert specs.host(HOME, "iam_broker", ("iam_broker",), env={}).env.keys() >= keys
    assert specs.host(HOME, "services", ("iam_broker", "ttl"), env={}).env.keys() >= keys
    assert not specs.host(HOME, "launcher", ("launcher",), env={}).env.keys() & keys


def test_machines_are_told_where_the_bus_is() -> None:
    advertised = msgspec.structs.replace(STATE, advertised="tls://bus:4443", fingerprint="f")
    env = specs.service_env({}, HOME, state=advertised)
    assert env["SPAWN_MACHINE_BUS_URL"] == "tls://bus:4443"
    assert env["SPAWN_BUS_FINGERPRINT"] == "f"
    env = specs.service_env({}, HOME, state=STATE)
    assert env["SPAWN_MACHINE_BUS_URL"] == STATE.bus_url
    on_aws = msgspec.structs.replace(STATE, mode="aws", sandbox=None)
    assert "SPAWN_MACHINE_BUS_URL" not in specs.service_env({}, HOME, state=on_aws)


def test_names_of_the_laptop_cloud_are_made_in_its_own_zone() -> None:
    around = {"SPAWN_DNS_BACKEND": "route53", "SPAWN_DNS_ZONE_ID": "Zreal", "SPAWN_DNS_BASE": "x"}
    cloud = msgspec.structs.replace(CLOUD, dns_zone_id="Zlaptop", dns_base="spawn.test")
    state = msgspec.structs.replace(STATE, sandbox=cloud)
    expected = {
        "SPAWN_DNS_BACKEND": "route53",
        "SPAWN_DNS_ZONE_ID": "Zlaptop",
        "SPAWN_DNS_BASE": "spawn.test",
    }
    for env in (around, {}):
        assert specs.service_env(env, HOME, state=state).items() >= expected.items()


@pytest.mark.parametrize("backend", ["none", "rfc2136"])
def test_another_backend_for_names_is_left_to_who_chose_it(backend: str) -> None:
    env = specs.service_env({"SPAWN_DNS_BACKEND": backend}, HOME, state=STATE)
    assert env["SPAWN_DNS_BACKEND"] == backend
    assert "SPAWN_DNS_ZONE_ID" not in env
