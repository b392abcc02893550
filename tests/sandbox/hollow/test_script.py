from pathlib import Path

import msgspec
import pytest

from sandbox.behaviour import seconds
from sandbox.hollow.script import read_script


def test_a_rank_may_differ_from_all(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("job: [1, 2]\nexit_code: 0\nranks:\n  '3': {exit_code: 7, hello: 5}\n")
    script = read_script(file)
    assert script.of(2) is script
    assert script.of(3).exit_code == 7
    assert script.of(3).hello == seconds(5)
    assert script.of(3).job == seconds(1, 2)


def test_a_wrong_script_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("jobs: 1\n")
    with pytest.raises(msgspec.ValidationError, match="jobs"):
        read_script(file)
