"""Making, clearing and removing what stands in the state folder."""

import shutil

from spawn.runtime.files import make_private_folder
from spawn.runtime.home import USERS, Home


def prepare(home: Home) -> None:
    """Make the folders. Raises `Rejected` when the state folder can't be made or used."""
    # Machines outlive a state folder that is deleted under them, and write on.
    left = home.sandbox.name
    make_private_folder(home.root, ours=home.bus_conf.name, variable="SPAWN_HOME", left=left)
    for folder in (home.logs, home.runs, home.sandbox):
        folder.mkdir(exist_ok=True)


def clear_cloud(home: Home) -> None:
    """Forget what is only true as long as the laptop cloud lives: its streams and its folder."""
    for folder in (home.jetstream("sandbox"), home.sandbox):
        if folder.exists():
            shutil.rmtree(folder)


def purge(home: Home) -> None:
    """Remove all that we made, and the state folder unless other things stand in it."""
    for folder in (home.logs, home.runs, home.sandbox, home.jetstream("aws").parent):
        shutil.rmtree(folder, ignore_errors=not folder.exists())
    files = (home.control, home.bus_conf, home.bus_ports, home.credentials)
    secrets = (home.callout_seed, home.bus_certificate, home.bus_key)
    for file in (*files, *secrets, *map(home.creds, USERS)):
        file.unlink(missing_ok=True)
    if home.root.exists() and not any(home.root.iterdir()):
        home.root.rmdir()
