"""How an array ends: its intents are resolved, its instances ended, and then it is over."""

from collections.abc import Iterator

from services.launcher.model import End, Step, Trace, View, Write
from services.launcher.plan.settlement import advance
from spawn.contracts.arrays import Array, ArrayState, Ending
from spawn.contracts.events import ArrayFailed, ArrayTerminated, Data
from spawn.contracts.launches import OnComplete
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import MemberState


def finish_ending(view: View, ending: Ending) -> Iterator[Step]:
    """End every instance that an array has or had, and say so once EC2 has confirmed it."""
    array = view.array
    for intent in array.intents:
        if intent.token not in view.sending:
            yield Trace(intent=intent, reason="the array is ending")
    left = [member for member in view.members.values() if member.is_left]
    ids = tuple(
        instance.id
        for member in left
        for instance in member.instances
        if instance.id not in view.ending and not instance.state.is_going
    )
    if ids:
        yield End(instance_ids=ids, reason=ending.reason)
    if not left and not array.intents:
        yield Write(array=_over(view, ending), reason="nothing of it is left")


def end_stopped(view: View) -> Iterator[End]:
    """End instances that have gone off after their job where they were to be gone.

    A machine of a persistent spot request stops when it powers itself off: ending by itself it
    would be made again by EC2. One that a stop was asked for stays, and so does one whose lease
    means a stop: it may have gone off for that.
    """
    array = view.array
    stays = array.lease.action is not LeaseAction.TERMINATE
    if stays or array.on_complete is not OnComplete.TERMINATE:
        return
    ids = tuple(
        member.instance.id
        for member in view.members.values()
        if member.state is MemberState.EXITED
        and member.instance.has_gone_off
        and member.instance.id not in view.ending
    )
    if ids:
        yield End(instance_ids=ids, reason="its job has ended, and it has stopped")


def _over(view: View, ending: Ending) -> Array:
    data: Data
    if ending.state is ArrayState.FAILED:
        data = ArrayFailed(
            code=ending.code,
            reason=ending.reason,
            refusals=view.array.refusals,
            api_calls=dict(view.calls),
        )
    else:
        data = ArrayTerminated(reason=ending.reason)
    return advance(view.array, view.now, data, state=ending.state)
