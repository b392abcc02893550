"""Assignments and peers: what a machine asks for, and what it is nudged with.

A machine asks by request/reply on every connect, every 30 s and when it is nudged; each answer is
the whole truth, so a lost nudge costs time only.
"""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.leases import Lease
from spawn.contracts.members import Facts
from spawn.contracts.notices import Told

API_ASSIGNMENT = "assignment"
"""Verb: `spawn.api.launcher.assignment.<array>.<instance>`."""

API_PEERS = "peers"
"""Verb: `spawn.api.launcher.peers.<array>.<instance>`."""

ASK_EVERY_SECONDS = 30


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """The whole truth for one machine.

    `size` counts the ranks that are filled, but for those lost before their machine said hello;
    `may_start` is false while an older generation of the rank may still run; `ends` says that the
    array is being ended; `peers_revision` goes up whenever a hello or a replacement changes the
    answer of `peers`; `master_port` is the same for the whole array. Of an array that was adopted
    the launcher has less to say: where it does not know the job (`job_known`), a machine keeps its
    own, and one that it has not heard says hello (`heard`), again if need be. One that was
    stopped and started again `stays`, though the job of before its stop has ended. `now` is when
    it was answered: a machine whose clock is wrong arms its switch by the difference.
    """

    array_id: ArrayId
    name: str
    rank: int
    size: int
    generation: int
    lease: Lease
    job: JobSpec
    master_port: int
    peers_revision: int
    may_start: bool = True
    ends: bool = False
    job_known: bool = True
    heard: bool = True
    stays: bool = False
    now: datetime | None = None


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the peers file, in ascending order of ranks."""

    index: int
    instance_id: InstanceId
    ip: str
    dns: str = ""
    generation: int = 0
    facts: Facts | None = None


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """All members that have said hello; only a `complete` list may become a peers file.

    A long list comes in pages, from 0 to `pages` - 1, each with some of the `peers`; pages that
    have the same `edition` are of the same list.
    """

    revision: int
    complete: bool
    size: int
    peers: tuple[Peer, ...] = ()
    page: int = 0
    pages: int = 1
    edition: str = ""


Page = Annotated[int, msgspec.Meta(ge=0, le=9999)]
"""The number of a page that is asked for; one behind the last is answered with the last."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The body of both questions: whose the asker is stands in the subject alone.

    `page` is for peers only.
    """

    generation: int = 0
    page: Page = 0


class Tell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A nudge on `spawn.tell.<array>.all` or `spawn.tell.<array>.<instance>`.

    `what` is `assignment`, `peers`, `exec`, `warned`, `notice` or `checkpoint`; an exec carries
    its id, its arguments and the number of seconds that it may take, a notice what was noticed,
    and a checkpoint the id of the request. A warning says that the lease ends at `until`, in
    `left_seconds`: machines whose lease that is tell who is logged in.
    """

    what: str
    exec_id: str = ""
    argv: tuple[str, ...] = ()
    timeout_seconds: int = 0
    not_after: datetime | None = None
    until: datetime | None = None
    left_seconds: int = 0
    notice: Told | None = None
    request_id: str = ""


def tell_all_subject(array_id: ArrayId) -> str:
    """Return the subject that every machine of an array hears."""
    return f"spawn.tell.{array_id}.all"


def tell_subject(array_id: ArrayId, instance_id: InstanceId) -> str:
    """Return the subject that one machine hears."""
    return f"spawn.tell.{array_id}.{instance_id}"


def master_port(array_id: ArrayId) -> int:
    """Return the port of the array's rendezvous: 20000 to 39999, derived from its id."""
    folded = 0
    for byte in array_id.encode():
        folded = (folded * 31 + byte) % 20_000
    return 20_000 + folded


API_ROSTER = "spawn.api.launcher.roster"
API_EXEC = "spawn.api.launcher.exec"

LONGEST_EXEC = timedelta(hours=1)
"""How long a command beside the job may take at most."""


class RosterRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the peers of an array from outside of it; answered by `Peers`."""

    array_id: ArrayId
    page: Page = 0


class ExecRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask machines to run a command beside the job; no `ranks` means all of them.

    `timeout_seconds` is from 1 to `LONGEST_EXEC`.
    """

    array_id: ArrayId
    argv: tuple[str, ...]
    ranks: tuple[int, ...] = ()
    timeout_seconds: int = 60


class ExecStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The machines that were told: each answers with `ExecOutput` under this id."""

    exec_id: str
    ranks: tuple[int, ...]
