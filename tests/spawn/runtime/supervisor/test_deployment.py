import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.errors import Rejected
from spawn.runtime.home import Home
from spawn.runtime.supervisor.deployment import check, deployment_id, derive

HOME = Path("/home/ada/.local/state/spawn")


@given(st.text(), st.text())
def test_whatever_the_user_is_called_the_id_is_valid_and_stable(user: str, machine: str) -> None:
    found = derive(user, machine, HOME)
    assert check(found) == found == derive(user, machine, HOME)


def test_another_machine_or_folder_is_another_deployment() -> None:
    ids = {derive("ada", "m1", HOME), derive("ada", "m2", HOME), derive("ada", "m1", HOME / "b")}
    assert len(ids) == 3
    assert all(re.fullmatch(r"ada-[0-9a-f]{6}", found) for found in ids)


@pytest.mark.parametrize("text", ["", "a.b", "a b", "é", "x" * 65, "a/b", "a\n"])
def test_a_deployment_that_fits_no_subject_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        check(text)
    assert caught.value.field == "SPAWN_DEPLOYMENT"


def test_it_is_the_same_whether_the_folder_exists_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPAWN_DEPLOYMENT", raising=False)
    home = Home(tmp_path / "home")
    before = deployment_id(home)
    home.root.mkdir()
    assert deployment_id(home) == before
    monkeypatch.setenv("SPAWN_DEPLOYMENT", "team-a")
    assert deployment_id(home) == "team-a"
