"""How properties are tried: the same cases in every run, or new ones with SPAWN_TORTURE=1."""

import signal

import pytest
from hypothesis import settings

from spawn.runtime.settings import environment

# A machine that is busy with something else fails no property.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("torture", max_examples=1000, deadline=None)
settings.load_profile("torture" if environment().get("SPAWN_TORTURE") == "1" else "ci")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So it is in the background of a shell, and all that we start would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REAL = frozenset(
    {"nats_server", "quick", "real", "sts_cloud", "laptop_cloud", "emulator", "throttled"}
)
"""Fixtures that start a program."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count every test that needs a real program among the doors, unless it says what it is."""
    for item in items:
        named = isinstance(item, pytest.Function) and REAL & set(item.fixturenames)
        if named and not {"e2e", "fault"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.door)
