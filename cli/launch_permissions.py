"""What a launch lets its machines do: checked, and warned of, before anything is sent."""

from collections.abc import Generator
from contextlib import contextmanager

from cli.exits import Ended, Exit
from cli.render import note
from cli.specs import in_flags
from spawn.contracts.grants import Caution
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected


def review(spec: LaunchSpec) -> None:
    """Warn of permissions that are wide; raise `Ended` when they can't be read.

    With `strict` all of it is said, and the first ends it.
    """
    if spec.permissions.is_empty:
        return
    # Imported here: most launches do without the language.
    from cli.granting import audit_files, realm_of  # noqa: PLC0415 - see above
    from spawn.permissions.cautions import cautions, check_strict  # noqa: PLC0415 - see above
    from spawn.permissions.policies import make_policy  # noqa: PLC0415 - see above

    with _rejections():
        # No complaint and no caution depends on which account it is.
        found = cautions(make_policy(spec.permissions, realm_of(spec.region, "")))
    # Of the latter definitions may be older than an action: nothing that `strict` rejects.
    for each in (*found, *audit_files(spec.permissions.documents)):
        note(warning(each))
    if spec.strict:
        with _rejections():
            check_strict(found)


def warning(caution: Caution) -> str:
    """Write a caution as one line."""
    instead = f"; narrower: {caution.narrower}" if caution.narrower else ""
    return f"warning: {caution.where}: {caution.message}{instead}"


@contextmanager
def _rejections() -> Generator[None]:
    """Name the flag in what is rejected."""
    try:
        yield
    except Rejected as error:
        raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error
