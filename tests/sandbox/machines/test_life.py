import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fixtures.sandbox import running_sandbox
from tests.sandbox.conftest import QUICK
from tests.sandbox.launches import described, ids, image, run, until
from tests.sandbox.machines.machines import Machines, eventually, processes_below

pytestmark = pytest.mark.e2e

ESCAPES = """#!/bin/bash
setsid nohup sleep 3601 >/dev/null 2>&1 &
(setsid bash -c 'trap "" TERM HUP; cd /; while :; do sleep 3602; done' >/dev/null 2>&1 &)
env -i setsid sleep 3603 >/dev/null 2>&1 &
"""
ESCAPED = {"sleep 3601", "sleep 3602", "sleep 3603"}
PORT = 27_182
LISTENS = f"""#!/bin/bash
exec 1>&2
cd $SPAWN_ROOT
nohup python3 - <<'END' >/dev/null 2>&1 &
import os, socket
address = os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"].split("/")[2].split(":")[0]
server = socket.create_server((address, {PORT}))
open("listening", "w").close()
while True:
    server.accept()[0].sendall(address.encode())
END
until [ -e listening ]; do :; done
"""


def arguments() -> set[str]:
    found: set[str] = set()
    for process in psutil.process_iter(["cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        found.add(" ".join(words))
    return found


def test_user_data_runs_once_as_on_ec2(machines: Machines) -> None:
    script = '#!/bin/bash\necho "out of $SPAWN_ROOT"; echo err >&2; echo kept >> $SPAWN_ROOT/runs'
    (machine,) = machines.launch(script)
    console = machine.console()
    assert f"out of {machine.root}" in console
    assert "err" in console
    assert "user-data ended with 0" in console
    machines.ec2.reboot_instances(InstanceIds=[machine.id])
    machine.says("boot 2")
    eventually(lambda: machine.shell("systemctl is-system-running") == "running")
    assert machine.wrote("runs") == "kept\n"


def test_the_serial_console_is_a_file_of_the_machine(machines: Machines) -> None:
    (machine,) = machines.launch("#!/bin/bash\necho FAILED: a step > $SPAWN_ROOT/dev/console")
    machine.says("FAILED: a step")


def test_what_is_no_script_is_said_on_the_console(machines: Machines) -> None:
    (machine,) = machines.begin("#cloud-config\npackages: [git]")
    machine.says("user-data that begins with '#cloud-config' is not run here")


def test_a_machine_that_powers_off_ends_its_instance(machines: Machines) -> None:
    by_itself: dict[str, Any] = {"InstanceInitiatedShutdownBehavior": "terminate"}
    (machine,) = machines.begin("#!/bin/bash\nshutdown -P now\nsleep 3600", **by_itself)
    until(machines.ec2, "terminated", [machine.id])
    assert machine.describe()["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert machine.processes() == []
    eventually(lambda: not machine.root.exists())
    assert "poweroff" in machine.console()


def test_a_machine_that_powers_off_stops_by_default_and_starts_again(machines: Machines) -> None:
    (machine,) = machines.begin("#!/bin/bash\necho once >> $SPAWN_ROOT/runs\npoweroff")
    until(machines.ec2, "stopped", [machine.id])
    assert machine.processes() == []
    machines.ec2.start_instances(InstanceIds=[machine.id])
    machine.says("boot 2")
    assert machine.wrote("runs") == "once\n"
    assert machine.describe()["PrivateIpAddress"] == machine.ip


def test_stopping_and_starting_keeps_the_disk_and_empties_memory(machines: Machines) -> None:
    script = "#!/bin/bash\ntouch $SPAWN_ROOT/var/lib/kept $SPAWN_ROOT/run/lost"
    (machine,) = machines.launch(script)
    first_boot = machine.wrote("proc/sys/kernel/random/boot_id")
    machines.ec2.stop_instances(InstanceIds=[machine.id])
    until(machines.ec2, "stopped", [machine.id])
    assert machine.processes() == []
    machines.ec2.start_instances(InstanceIds=[machine.id])
    machine.says("boot 2")
    assert (machine.root / "var/lib/kept").exists()
    assert not (machine.root / "run/lost").exists()
    assert machine.wrote("proc/sys/kernel/random/boot_id") != first_boot


def test_the_machine_can_reboot_itself(machines: Machines) -> None:
    (machine,) = machines.launch("#!/bin/bash\nsetsid sleep 3604 &")
    machine.run("shutdown", "-r", "now")
    machine.says("boot 2")
    assert machine.state == "running"
    assert "sleep 3604" not in arguments()


def test_nothing_survives_the_end_of_its_machine(machines: Machines) -> None:
    (machine,) = machines.launch(ESCAPES)
    eventually(lambda: arguments() >= ESCAPED)
    machines.ec2.terminate_instances(InstanceIds=[machine.id])
    until(machines.ec2, "terminated", [machine.id])
    assert not ESCAPED & arguments()
    assert machine.processes() == []


def test_an_instance_is_not_terminated_while_its_machine_runs(machines: Machines) -> None:
    stubborn = "#!/bin/bash\ntrap '' TERM\necho ready\nwhile :; do sleep 1000 & wait; done"
    (machine,) = machines.begin(stubborn)
    machine.says("ready")
    machines.ec2.terminate_instances(InstanceIds=[machine.id])

    def ended() -> bool:
        state, left = machine.state, machine.processes()
        assert state != "terminated" or not machine.processes()
        return state == "terminated" and not left

    eventually(ended)


def test_a_killed_init_takes_its_machine_with_it(machines: Machines) -> None:
    (machine,) = machines.launch("#!/bin/bash\nsetsid sleep 3605 &")
    init = next(one for one in machine.processes() if "sandbox.machines.init" in one.cmdline())
    os.kill(init.pid, signal.SIGKILL)
    until(machines.ec2, "stopped", [machine.id])
    assert "sleep 3605" not in arguments()


def test_sixteen_machines_reach_each_other(machines: Machines) -> None:
    made = machines.launch(LISTENS, 16)
    addresses = [machine.ip for machine in made]
    assert len(set(addresses)) == 16
    assert all(address.startswith("127.") for address in addresses)
    asks = (
        "import socket, sys\n"
        "for address in sys.argv[1:]:\n"
        f"    with socket.create_connection((address, {PORT}), 10) as connection:\n"
        "        assert connection.recv(100).decode() == address\n"
    )
    for machine in made:
        machine.run("python3", "-c", asks, *addresses)


def test_subnets_say_the_addresses_that_machines_have(machines: Machines) -> None:
    (machine,) = machines.launch()
    subnet = machine.describe()["SubnetId"]
    (found,) = machines.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    first, _, length = found["CidrBlock"].partition("/")
    assert length == "20"
    assert machine.ip.startswith("127.")
    assert machine.ip.split(".")[:2] == first.split(".")[:2]


def test_an_instance_outside_of_this_hosts_addresses_is_hollow(machines: Machines) -> None:
    vpc = machines.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    # Not every zone has every type, and moto chooses one at random.
    zone = machines.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
    subnet = machines.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone=zone)[
        "Subnet"
    ]
    (machine,) = machines.begin("#!/bin/bash\necho hi", SubnetId=subnet["SubnetId"])
    assert machine.state == "running"
    assert not machine.folder.exists()


def test_nothing_is_left_when_the_sandbox_ends(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, QUICK, machines="real") as cloud:
        ec2: Any = cloud.client("ec2")
        made = ids(run(ec2, image(cloud), 2, UserData=ESCAPES))
        until(ec2, "running", made)
        eventually(lambda: arguments() >= ESCAPED)
    assert processes_below(tmp_path) == []
    assert not ESCAPED & arguments()
    assert not (tmp_path / "machines").exists()


def test_machines_die_with_a_killed_sandbox(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, QUICK, machines="real", dies=True) as cloud:
        ec2: Any = cloud.client("ec2")
        made = ids(run(ec2, image(cloud), UserData=ESCAPES))
        until(ec2, "running", made)
        eventually(lambda: arguments() >= ESCAPED)
        os.kill(cloud.pid, signal.SIGKILL)
        eventually(lambda: not processes_below(tmp_path))
        eventually(lambda: not ESCAPED & arguments())


def test_machines_that_are_off_leave_no_trace(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, QUICK, machines="off") as cloud:
        ec2: Any = cloud.client("ec2")
        made = ids(run(ec2, image(cloud), UserData="#!/bin/bash\ntrue"))
        until(ec2, "running", made)
        assert described(ec2)[0]["PrivateIpAddress"].startswith("172.31.")
        assert ec2.get_console_output(InstanceId=made[0])["Output"] == ""
        assert not (tmp_path / "machines").exists()


class TestBehaviours:
    def test_one_rank_boots_late(self, machines: Machines, real: Any) -> None:
        real.admin.post("boot", {"rank": 1, "delay": 3600})
        made = machines.begin("#!/bin/bash\necho up", 2)
        made[0].says("up")
        assert made[1].state == "running"
        assert made[1].console() == ""

    def test_ranks_are_those_of_the_array(self, machines: Machines, real: Any) -> None:
        real.admin.post("boot", {"rank": 7, "user_data_fails": True})
        tags = [{"Key": "spawn:ranks", "Value": "3,7"}]
        spec = [{"ResourceType": "instance", "Tags": tags}]
        made = machines.begin("#!/bin/bash\necho up", 2, TagSpecifications=spec)
        made[0].says("up")
        made[1].says("user-data was told to fail")

    def test_a_machine_that_has_not_booted_yet_can_be_ended(
        self, machines: Machines, real: Any
    ) -> None:
        real.admin.post("boot", {"delay": 3600})
        (machine,) = machines.begin("#!/bin/bash\necho up")
        machines.ec2.terminate_instances(InstanceIds=[machine.id])
        until(machines.ec2, "terminated", [machine.id])

    def test_machines_can_be_switched_off(self, machines: Machines, real: Any) -> None:
        real.admin.post("machines", {"mode": "hollow"})
        (machine,) = machines.begin("#!/bin/bash\necho up")
        assert not machine.folder.exists()


def test_a_port_of_a_machine_is_its_own(machines: Machines) -> None:
    one, other = machines.launch(LISTENS, 2)
    with socket.create_connection((one.ip, PORT), 10) as connection:
        assert connection.recv(100).decode() == one.ip
    machines.ec2.terminate_instances(InstanceIds=[one.id])
    until(machines.ec2, "terminated", [one.id])
    refused = subprocess.run(
        ["python3", "-c", f"import socket; socket.create_connection(('{one.ip}', {PORT}))"],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert refused.returncode != 0
    assert other.state == "running"


def is_deleted(folder: Path) -> bool:
    """Delete a folder that machines may still be writing to, and say whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_a_deleted_state_folder_neither_ends_machines_nor_keeps_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running_sandbox(state, QUICK, machines="real") as cloud:
        ec2: Any = cloud.client("ec2")
        script = "#!/bin/bash\nexec sleep 3606"
        old = ids(run(ec2, image(cloud), 2, UserData=script))
        until(ec2, "running", old)
        eventually(lambda: "sleep 3606" in arguments())
        eventually(lambda: is_deleted(state))
        new = ids(run(ec2, image(cloud), UserData=script))
        until(ec2, "running", new)
        assert {one["State"]["Name"] for one in described(ec2, InstanceIds=old)} == {"running"}
        ec2.terminate_instances(InstanceIds=old + new)
        until(ec2, "terminated", old + new)
        assert "sleep 3606" not in arguments()
