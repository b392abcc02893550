"""What Prometheus is told of a process' readiness, whoever has asked for it or not."""

from prometheus_client import REGISTRY

from spawn.runtime.health import Health


def test_a_service_is_shown_as_open_while_it_is() -> None:
    health = Health(("one", "other"))
    assert (shown("service_open", "one"), shown("service_open", "other")) == (0, 0)
    health.set_open("one")
    assert (shown("service_open", "one"), shown("service_open", "other")) == (1, 0)
    health.set_closed("one", "it failed")
    assert shown("service_open", "one") == 0


def test_a_process_without_its_bus_is_not_ready_though_nobody_has_asked() -> None:
    health = Health(("one",))
    health.set_open("one")
    assert shown("ready") == 0
    assert health.reasons() == {"bus": "not connected"}


def shown(name: str, service: str = "") -> float | None:
    labels = {"service": service} if service else {}
    return REGISTRY.get_sample_value(f"spawn_runtime_{name}", labels)
