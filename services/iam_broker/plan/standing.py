"""What an instance is to us: the machine of a rank, or nobody (any more)."""

from spawn.contracts.identities import Identity
from spawn.contracts.ids import ArrayId, InstanceId, is_array_id
from spawn.contracts.instances import Described
from spawn.contracts.members import Member
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Cause, Rejected


def identity_of(member: Member, instance_id: InstanceId) -> Identity:
    """Return whom a record names by one of its instances; raise `Rejected` when that has ended."""
    if member.instance.id == instance_id and member.instance.state.is_going:
        raise _refused(f"{instance_id} has ended")
    return Identity(array_id=member.array_id, instance_id=instance_id, rank=member.rank)


def identity_by_tags(described: Described, *, deployment: str) -> Identity:
    """Return whom EC2 names, by the tags that it was launched with.

    Raises `Rejected` when the instance has ended or is not of this deployment.
    """
    instance, tags = described.instance, described.tags
    if instance.state.is_going:
        raise _refused(f"{instance.id} has ended")
    array_id, ranks = tags.get("spawn:array-id", ""), _ranks(tags.get("spawn:ranks", ""))
    # What stands in a tag must not become a wildcard of a permission.
    if tags.get("spawn:deployment") != deployment or not is_array_id(array_id):
        raise _refused(f"{instance.id} is not of this deployment")
    if described.launch_index >= len(ranks):
        raise _refused(f"{instance.id} has no rank")
    return Identity(
        array_id=ArrayId(array_id),
        instance_id=instance.id,
        rank=ranks[described.launch_index],
    )


def check_succession(described: Described, holder: Member | None) -> None:
    """Raise `Rejected` when another instance of at least that generation fills the rank."""
    generation = described.tags.get("spawn:generation", "0")
    if holder is None or holder.instance.id == described.instance.id:
        return
    if not generation.isdigit() or holder.generation >= int(generation):
        raise _refused(f"{described.instance.id} has been replaced by {holder.instance.id}")


def _ranks(text: str) -> tuple[int, ...]:
    try:
        return parse_ranks(text)
    except Rejected:
        return ()


def _refused(why: str) -> Rejected:
    return Rejected(why, code="NoMachine", cause=Cause.PERMISSION)
