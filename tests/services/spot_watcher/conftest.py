"""Fixtures of the spot watcher's tests."""

from tests.fixtures.nats import bus, nats_server

__all__ = ["bus", "nats_server"]
