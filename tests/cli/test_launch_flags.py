"""The files that flags of a launch name."""

from pathlib import Path

import pytest

from cli.exits import Usage
from cli.launch_flags import read_spec_file, read_text


def test_a_spec_file_holds_fields_and_its_script_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "boot.sh").write_text("#!/bin/sh\n")
    spec = tmp_path / "spec.yaml"
    spec.write_text("count: 8\nuser_data: '@boot.sh'\n")
    assert read_spec_file(spec) == {"count": 8, "user_data": "#!/bin/sh\n"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"count: [", "is not YAML", id="no YAML"),
        pytest.param(b"- count", "write fields of a launch", id="a list"),
        pytest.param(b"", "write fields of a launch", id="empty"),
        pytest.param(b"\xff\xfe\xfd", "not a text in UTF-8", id="binary"),
        pytest.param(b"user_data: '@gone.sh'", "gone.sh: No such file", id="script missing"),
    ],
)
def test_a_wrong_spec_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_bytes(content)
    with pytest.raises(Usage) as caught:
        read_spec_file(spec)
    assert message in caught.value.message


def test_a_text_is_taken_as_it_is_unless_it_names_a_file(tmp_path: Path) -> None:
    script = tmp_path / "boot.sh"
    script.write_text("echo")
    assert read_text("--user-data", "#!/bin/sh") == "#!/bin/sh"
    assert read_text("--user-data", f"@{script}") == "echo"
    with pytest.raises(Usage, match="--user-data"):
        read_text("--user-data", f"@{tmp_path}")
