"""What a launch lets its machines do: checked, and warned of, before anything is sent."""

from cli.exits import Ended, Exit
from cli.render import note
from cli.specs import in_flags
from spawn.contracts.grants import Caution
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected


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
    # Imported here: most launches do without the language.
    from cli.granting import audit_files, realm_of  # noqa: PLC0415 - see above
    from spawn.permissions.cautions import cautions, check_strict  # noqa: PLC0415 - see above
    from spawn.permissions.policies import make_policy  # noqa: PLC0415 - see above

    try:
        # No complaint and no caution depends on which account it is.
        found = cautions(make_policy(spec.permissions, realm_of(spec.region, "")))
        if spec.strict:
            check_strict(found)
    except Rejected as error:
        raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error
    # Whose definitions may be older than an action: nothing that `strict` rejects.
    return (*found, *audit_files(spec.permissions.documents))
