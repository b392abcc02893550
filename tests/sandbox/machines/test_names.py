"""What machines make of the zones' names."""

from pathlib import Path

import pytest

from tests.fixtures.namespaces import namespace_reason
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.machines.machines import Machines, eventually

pytestmark = pytest.mark.e2e

RESOLVES = """#!/bin/bash
while ! python3 - "$NAME" >"$SPAWN_ROOT/tmp/found" 2>/dev/null <<'END'
import socket, sys
found = socket.getaddrinfo(sys.argv[1], 1, type=socket.SOCK_STREAM)
print(*sorted({each[4][0] for each in found}))
END
do :; done
cp "$SPAWN_ROOT/tmp/found" "$SPAWN_ROOT/names"
"""


def test_a_program_that_knows_of_nothing_resolves_the_zones_names(
    machines: Machines, real: RunningSandbox
) -> None:
    reason = namespace_reason()
    if reason:
        pytest.skip(f"NOT RUN: names in machines want a mount namespace. {reason}")
    name = f"group.{real.dns_base}"
    script = RESOLVES.replace("$NAME", name)
    (machine,) = machines.begin(script)
    machine.says("boot 1")
    addresses = ("127.16.0.1", "127.16.0.2")
    real.client("route53").change_resource_record_sets(
        HostedZoneId=real.dns_zone_id,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": name,
                        "Type": "A",
                        "TTL": 30,
                        "ResourceRecords": [{"Value": each} for each in addresses],
                    },
                }
            ]
        },
    )
    eventually(lambda: machine.wrote("names"))
    assert machine.wrote("names").split() == list(addresses)
    assert name not in Path("/etc/hosts").read_text()
