import shlex
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.machines.init.service_files import ServiceFile, read_service
from sandbox.machines.init.transient import parse_run
from sandbox.machines.init.unit_files import UnitFile, environment_file, find, parse, words

WORDS = st.lists(st.text(st.characters(codec="ascii", exclude_categories=("Cc",))), min_size=1)


def service(text: str) -> ServiceFile:
    return read_service(UnitFile("x.service", parse(f"[Service]\n{text}", name="x.service")))


def test_values_are_collected_joined_and_taken_back() -> None:
    text = "#\n[Service]\nExecStart=a\nExecStart=\nExecStart=b \\\n  c\n;no\nX\n[Unit]\nAfter= d"
    found = parse(text, name="x.service")
    assert found["Service", "ExecStart"] == ["b    c"]
    assert found["Unit", "After"] == ["d"]


def test_specifiers_are_replaced() -> None:
    found = parse("[Service]\nExecStart=%n %N %p %i 100%% %x\n", name="a@b.service")
    assert found["Service", "ExecStart"] == ["a@b.service a@b a b 100% %x"]


def test_quotes_hold_words_together() -> None:
    assert words("""a "b c" 'd "e' f"g h"i""") == ["a", "b c", 'd "e', "fg hi"]


def test_a_file_of_variables(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("# c\nA=1\nB=\"two words\"\nC='$(x)'\nexport D=a=b\nnonsense\nE=\n")
    assert environment_file(str(path)) == {
        "A": "1",
        "B": "two words",
        "C": "$(x)",
        "D": "a=b",
        "E": "",
    }
    assert environment_file(f"-{tmp_path}/nothing") == {}
    with pytest.raises(FileNotFoundError):
        environment_file(f"{tmp_path}/nothing")


def test_a_service_with_everything() -> None:
    found = service(
        "Type=oneshot\nExecStartPre=-/bin/a\nExecStart=@/bin/b name c\nRestartSec=1min\n"
        "Restart=always\nKillMode=process\nKillSignal=SIGINT\nTimeoutStopSec=2\n"
        'Environment=A=1 "B=2 3"\nRemainAfterExit=yes\n'
    )
    assert found.until_exit
    assert found.before[0].may_fail
    assert found.main[0].words == ("/bin/b", "c")
    assert found.restart_delay == timedelta(minutes=1)
    assert found.kill_signal is signal.SIGINT
    assert found.stop_within == timedelta(seconds=2)
    assert found.environment == {"A": "1", "B": "2 3"}
    assert found.remains


def test_variables_of_a_command() -> None:
    (command,) = service("ExecStart=/bin/x $MANY ${MANY} pre${ONE}post $$HOME ${NONE}\n").main
    env = {"MANY": "a b", "ONE": "1"}
    assert command.argv(env) == ["/bin/x", "a", "b", "a b", "pre1post", "$HOME", ""]


@pytest.mark.parametrize(
    "text", ["Type=simple\n", "ExecStart=/x\nRestartSec=soon\n", "ExecStart=/x\nKillSignal=SIGX\n"]
)
def test_a_bad_service_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"x\.service|parse"):
        service(text)


def test_the_first_folder_that_has_a_unit_counts(tmp_path: Path) -> None:
    for folder in ("usr/lib/systemd/system", "etc/systemd/system"):
        path = tmp_path / folder / "x.service"
        path.parent.mkdir(parents=True)
        path.write_text(f"[Service]\nExecStart={folder}\n")
    found = find(tmp_path, "x.service")
    assert found is not None
    assert found.last("Service", "ExecStart") == "etc/systemd/system"
    assert find(tmp_path, "y.service") is None


@given(WORDS)
def test_a_transient_command_reaches_its_program_unchanged(command: list[str]) -> None:
    run = parse_run(["--", "/bin/x", *command], "/", name="run-1")
    (line,) = read_service(run.service).main
    assert line.argv({}) == ["/bin/x", *command]


def test_options_of_systemd_run() -> None:
    asked = shlex.split(
        "-q --unit later --on-active 5 --timer-property=AccuracySec=1s -p KillMode=process"
        " -EA=1 --setenv B=2 --collect /bin/x -y"
    )
    run = parse_run(asked, "/", name="run-1")
    assert run.timer is not None
    assert run.timer.name == "later.timer"
    assert run.timer.last("Timer", "OnActiveSec") == "5"
    found = read_service(run.service)
    assert found.kill_mode == "process"
    assert found.environment == {"A": "1", "B": "2"}
    assert found.main[0].words == ("/bin/x", "-y")
    with pytest.raises(ValueError, match="Command line"):
        parse_run(["--collect"], "/", name="run-1")
