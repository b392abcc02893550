import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fixtures.sandbox import Admin, RunningSandbox
from tests.sandbox.launches import image, run


@pytest.mark.parametrize(
    ("section", "body", "named"),
    [
        ("capacity", {"free": -1}, "free"),
        ("capacity", {"free": 1, "colour": "red"}, "colour"),
        ("fault", {}, "api"),
        ("fault", {"api": "RunInstances", "kind": "sulk"}, "kind"),
        ("throttle", {"rules": [{"api": "X", "requests": {"burst": "many"}}]}, "burst"),
        ("latency", {"delay": [2, 1]}, "delay"),
        ("latency", {}, "delay"),
        ("lifecycle", {"pending": -1}, "pending"),
        ("quota", {"vcpus": "few"}, "vcpus"),
        ("price", {"usd": 0}, "usd"),
        ("score", {"score": 11}, "score"),
        ("signature", {"services": "sts"}, "services"),
    ],
)
def test_a_wrong_body_is_refused_naming_the_field(
    cloud: RunningSandbox, section: str, body: dict[str, Any], named: str
) -> None:
    status, answer = cloud.admin.request("POST", f"/_spawn/{section}", body)
    assert status == 400
    assert named in answer["error"]


def test_the_token_is_needed(cloud: RunningSandbox) -> None:
    stranger = Admin(cloud.endpoint, "guess")
    for method, path in (("GET", "/_spawn/state"), ("POST", "/_spawn/reset-behaviour")):
        status, answer = stranger.request(method, path)
        assert status == 401
        assert "admin token" in answer["error"]


def test_an_unknown_path_is_not_taken_for_aws(cloud: RunningSandbox) -> None:
    status, answer = cloud.admin.request("POST", "/_spawn/weather")
    assert (status, answer["error"]) == (404, "no POST /_spawn/weather")


def test_the_state_shows_instances_calls_and_launches(cloud: RunningSandbox) -> None:
    region = "ca-central-1"
    ec2, ami = cloud.client("ec2", region=region), image(cloud, region=region)
    run(ec2, ami, MinCount=2, MaxCount=4, ClientToken="shown")
    run(ec2, ami, MinCount=2, MaxCount=4, ClientToken="shown")
    seen = cloud.admin.state()
    here = seen["regions"][region]
    assert sum(here["instances"].values()) == 4
    assert here["calls"]["ec2.RunInstances"] == 2
    first, again = [one for one in seen["launches"] if one["client_token"] == "shown"]
    assert (first["min_count"], first["max_count"], first["count"]) == (2, 4, 4)
    assert (first["region"], first["code"], first["replayed"]) == (region, "", False)
    assert (again["reservation_id"], again["replayed"]) == (first["reservation_id"], True)


def test_a_refused_launch_is_logged_with_its_code(cloud: RunningSandbox) -> None:
    cloud.admin.post("capacity", {"free": 0})
    with pytest.raises(Exception, match="InsufficientInstanceCapacity"):
        run(cloud.client("ec2"), image(cloud), ClientToken="refused")
    (entry,) = [o for o in cloud.admin.state()["launches"] if o["client_token"] == "refused"]
    assert (entry["code"], entry["count"]) == ("InsufficientInstanceCapacity", 0)


def test_limited_pools_are_shown(cloud: RunningSandbox) -> None:
    cloud.admin.post("capacity", {"instance_type": "t3.micro", "zone": "us-east-1a", "free": 7})
    run(cloud.client("ec2"), image(cloud), 2, Placement={"AvailabilityZone": "us-east-1a"})
    pools = cloud.admin.state()["pools"]
    pool = {"instance_type": "t3.micro", "market": "on-demand", "zone": "us-east-1a", "free": 5}
    assert pool in pools


def test_a_reset_takes_back_what_was_set(cloud: RunningSandbox) -> None:
    cloud.admin.post("fault", {"api": "*"})
    cloud.admin.post("throttle", {"enabled": True})
    cloud.admin.post("reset-behaviour")
    seen = cloud.admin.state()
    assert (seen["faults"], seen["throttling"], seen["pools"]) == ([], False, [])


def test_the_metrics_are_prometheus(cloud: RunningSandbox) -> None:
    run(cloud.client("ec2"), image(cloud))
    with urllib.request.urlopen(cloud.metrics_url) as answer:
        families = {f.name: f for f in text_string_to_metric_families(answer.read().decode())}
    ours = {name for name in families if name.startswith("spawn_sandbox_")}
    assert ours >= {
        "spawn_sandbox_calls",
        "spawn_sandbox_call_seconds",
        "spawn_sandbox_throttled",
        "spawn_sandbox_instances",
        "spawn_sandbox_faults",
        "spawn_sandbox_events",
    }
    calls = {
        (s.labels["api"], s.labels["outcome"]): s.value
        for s in families["spawn_sandbox_calls"].samples
        if s.name.endswith("_total")
    }
    assert calls["RunInstances", "ok"] >= 1
