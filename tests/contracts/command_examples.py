"""One example of every command."""

import msgspec

from spawn.contracts.launches import Launch, Terminate
from spawn.contracts.lease_records import Expire, Extend, Over
from spawn.contracts.notices import Look
from spawn.contracts.power import Power, PowerTo
from tests.contracts.nouns import ARRAY, FIRST, NOON, SPEC

COMMANDS: dict[str, msgspec.Struct] = {
    "command.extend": Extend(
        request_id="request-2",
        array_id=ARRAY,
        rank=3,
        add_seconds=7200,
        until=NOON,
        not_after=NOON,
    ),
    "command.expire": Expire(leases=(Over(array_id=ARRAY, version=5),)),
    "command.look": Look(array_id=ARRAY, instance_id=FIRST, state="shutting-down"),
    "command.launch": Launch(request_id="request-1", spec=SPEC, not_after=NOON),
    "command.power": Power(
        request_id="request-3",
        array_id=ARRAY,
        to=PowerTo.STOPPED,
        ranks="0,3-5",
        reason="enough",
        lease_version=5,
        not_after=NOON,
    ),
    "command.terminate": Terminate(array_id=ARRAY, reason="enough", not_after=NOON),
}
