import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.accounts import Account, own_account
from agent.orders import Assignment, read_assignment, read_page
from agent.places import Places
from agent.plan import Users, make_plan
from agent.variables import LONGEST_VALUE, Member, Unusable, array_variables, job_variables
from spawn.bus import codec
from spawn.contracts.assignments import Peers, master_port
from spawn.contracts.launches import EnvCompat, JobSpec
from spawn.contracts.members import Facts
from tests.agent.launcher import ARRAY, INSTANCE, OTHER, a_peer, an_assignment

ACCOUNT = Account("ec2-user", 1000, 1000, (1000,), "/home/ec2-user", "/bin/bash")
PEERS = Peers(
    revision=2,
    complete=True,
    size=2,
    peers=(a_peer(0, INSTANCE, Facts()), a_peer(1, OTHER, Facts())),
)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


def told(job: JobSpec) -> Assignment:
    assignment = msgspec.structs.replace(an_assignment(job, size=2), rank=1)
    return read_assignment(codec.encode(assignment))


def member(job: JobSpec, root: Path = Path("/")) -> Member:
    return Member(told(job), read_page(codec.encode(PEERS)).part.peers, Places(root))


def test_a_job_knows_its_rank_its_size_and_where_to_meet() -> None:
    known = array_variables(member(JobSpec()))
    assert known["JOB_ARRAY_ID"] == ARRAY
    assert (known["JOB_ARRAY_INDEX"], known["JOB_ARRAY_SIZE"]) == ("1", "2")
    assert (known["SPAWN_RANK"], known["SPAWN_SIZE"]) == ("1", "2")
    assert (known["MASTER_ADDR"], known["MASTER_PORT"]) == ("10.0.0.1", str(master_port(ARRAY)))
    assert known["SPAWN_PEERS_FILE"] == "/etc/spawn/job-array-peers.json"


def test_the_place_to_meet_is_named_once_it_has_a_name() -> None:
    first, second = read_page(codec.encode(PEERS)).part.peers
    peers = (replace(first, dns="t-0.team.test"), second)
    asked = JobSpec(env_compat=(EnvCompat.SLURM,))
    known = array_variables(Member(told(asked), peers, Places(Path("/"))))
    assert known["MASTER_ADDR"] == "t-0.team.test"
    assert known["SLURM_NODELIST"] == f"t-0.team.test,{second.ip}"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (EnvCompat.SLURM, {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_NNODES": "2"}),
        (EnvCompat.BATCH, {"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_NUM_NODES": "2"}),
        (EnvCompat.TORCH, {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}),
    ],
)
def test_others_names_are_there_when_asked_for(style: EnvCompat, expected: dict[str, str]) -> None:
    asked = array_variables(member(JobSpec(env_compat=(style,))))
    assert expected.items() <= asked.items()
    assert not expected.keys() & array_variables(member(JobSpec())).keys()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        pytest.param("BIG", "x" * LONGEST_VALUE, "BIG has 131075 bytes", id="too long"),
        pytest.param("A=B", "", "'A=B' can't be", id="a name with an equals sign"),
        pytest.param("A", "a\0b", "'A' can't be", id="a value with a NUL"),
    ],
)
def test_impossible_variables_are_named(name: str, value: str, text: str) -> None:
    with pytest.raises(Unusable, match=text):
        job_variables(member(JobSpec(environment={name: value})), ACCOUNT, {})


@settings(max_examples=15, deadline=None)
@given(value=VALUES, other=VALUES)
def test_values_reach_the_command_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, value: str, other: str
) -> None:
    root = tmp_path_factory.mktemp("root")
    job = JobSpec(command='printf %s "$ONE/$TWO"', environment={"ONE": value, "TWO": other})
    own = own_account(root)
    plan = make_plan(member(job, root), Users(own, own), {})
    folder = Places(root).job
    folder.mkdir(parents=True)
    for name, text in plan.files.items():
        (folder / name).write_bytes(text.encode())
    (stage,) = plan.keeper["stages"]
    done = subprocess.run(stage["argv"], env=stage["env"], capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}/{other}"


def test_folders_that_a_login_shell_would_forget_stay_first_in_the_path(tmp_path: Path) -> None:
    own = own_account(tmp_path)
    inherited = {"PATH": "/shims:/usr/bin", "LANG": "C"}
    plan = make_plan(member(JobSpec(command="true"), tmp_path), Users(own, own), inherited)
    assert plan.files["begin"].startswith('export PATH=/shims:"$PATH"\n. ')
