"""What runs, written down."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from spawn.runtime.home import ControlState, Home, find_bus, read, running
from spawn.runtime.processes import ProcessRef, refer
from spawn.runtime.supervisor.board import Board
from spawn.runtime.supervisor.footprint import Footprint
from tests.spawn.runtime.supervisor.test_specs import STATE


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for variable in ("SPAWN_NATS_URL", "SPAWN_NATS_CREDS"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def ours() -> ControlState:
    own = refer(os.getpid())
    assert own is not None
    return msgspec.structs.replace(STATE, supervisor=own)


def test_every_change_stands_in_both_places(home: Home) -> None:
    board = Board(home, Footprint(home), ours())
    board.change(state="ready")
    assert read(home) == Footprint(home).read() == board.state
    assert board.state.state == "ready"


@pytest.mark.parametrize("lives", [True, False], ids=["the cloud lives", "nothing lives"])
def test_the_footprint_stays_as_long_as_it_leads_to_a_cloud(home: Home, lives: bool) -> None:
    board = Board(home, Footprint(home), ours())
    board.clear(cloud_lives=lives)
    assert read(home) is None
    assert (Footprint(home).read() is not None) is lives


def test_a_deleted_folder_stays_deleted(home: Home) -> None:
    board = Board(home, Footprint(home), ours())
    shutil.rmtree(home.root)
    board.change(state="ready")
    board.clear(cloud_lives=False)
    assert not home.root.exists()
    assert Footprint(home).read() is not None, "the next one must find the cloud"


def test_the_state_of_a_successor_is_left_alone(home: Home) -> None:
    board = Board(home, Footprint(home), STATE)
    successor = Board(home, Footprint(home), ours())
    board.change(state="stopping")
    board.clear(cloud_lives=False)
    assert read(home) == Footprint(home).read() == successor.state


def test_a_bus_is_found_while_its_supervisor_lives(home: Home) -> None:
    Board(home, Footprint(home), ours())
    assert running(home) is not None
    assert find_bus(home).creds == str(home.creds("cli"))
    assert find_bus(home).url == STATE.bus_url
    stale = msgspec.structs.replace(STATE, supervisor=ProcessRef(os.getpid(), "before"))
    Board(home, Footprint(home), stale)
    assert running(home) is None


def test_a_bus_elsewhere_goes_first(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    Board(home, Footprint(home), ours())
    monkeypatch.setenv("SPAWN_NATS_URL", "nats://elsewhere:4222")
    monkeypatch.setenv("SPAWN_NATS_CREDS", "/their.creds")
    found = find_bus(home)
    assert (found.url, found.creds) == ("nats://elsewhere:4222", "/their.creds")


def test_an_observers_address_of_the_same_bus_makes_no_observer_of_us(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    Board(home, Footprint(home), ours())
    at = STATE.bus_url.removeprefix("nats://")
    monkeypatch.setenv("SPAWN_NATS_URL", f"nats://observer:secret@{at}")
    assert find_bus(home).url == STATE.bus_url
    assert find_bus(home).creds == str(home.creds("cli"))


def test_what_another_version_wrote_is_as_good_as_nothing(home: Home) -> None:
    home.control.write_text('{"deployment": 1}')
    assert read(home) is None
