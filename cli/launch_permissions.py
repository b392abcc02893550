"""What a launch lets its machines do: checked, and warned of, before anything is sent."""

from cli.exits import Ended, Exit
from cli.render import note
from cli.specs import in_flags
from spawn.contracts.grants import Caution
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected

_SOME_ACCOUNT = "000000000000"
"""In the place of the account, which the control plane knows: no text depends on it."""


def review(spec: LaunchSpec) -> None:
    """Warn of permissions that are wide; raise `Ended` when they can't be read.

    With `strict` what would be warned of ends it, too.
    """
    if spec.permissions.is_empty:
        return
    for each in _checked(spec):
        note(warning(each))


def warning(caution: Caution) -> str:
    """Write a caution as one line."""
    instead = f"; narrower: {caution.narrower}" if caution.narrower else ""
    return f"warning: {caution.where}: {caution.message}{instead}"


def _checked(spec: LaunchSpec) -> tuple[Caution, ...]:
    # Imported here: most launches, and every other command, do without the language.
    from spawn.permissions.cautions import cautions, check_strict  # noqa: PLC0415 - see above
    from spawn.permissions.policies import make_policy  # noqa: PLC0415 - see above
    from spawn.permissions.realm import Realm, partition_of  # noqa: PLC0415 - see above

    realm = Realm(partition=partition_of(spec.region), region=spec.region, account=_SOME_ACCOUNT)
    try:
        found = cautions(make_policy(spec.permissions, realm))
        if spec.strict:
            check_strict(found)
    except Rejected as error:
        raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error
    return found
