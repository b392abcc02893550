"""The environment of everything that a machine runs."""

import getpass
from collections.abc import Mapping
from typing import NamedTuple

from sandbox.machines.facts import Facts
from sandbox.machines.folder import Folder

_KEPT = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOWHERE = "/dev/null"


class Endpoints(NamedTuple):
    """Where a machine finds the AWS API and its own metadata service."""

    aws: str
    metadata: str


def variables(
    facts: Facts, folder: Folder, host: Mapping[str, str], endpoints: Endpoints
) -> dict[str, str]:
    """Return it. Of the host's own AWS nothing is in it."""
    user = getpass.getuser()
    return {
        "LANG": "C.UTF-8",
        **{name: host[name] for name in _KEPT if name in host},
        "PATH": f"{folder.shims}:{host.get('PATH', _PATH)}",
        "HOME": str(folder.home),
        "USER": user,
        "LOGNAME": user,
        "SHELL": "/bin/bash",
        "SPAWN_ROOT": str(folder.root),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoints.metadata,
        "AWS_ENDPOINT_URL": endpoints.aws,
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_CONFIG_FILE": _NOWHERE,
        "AWS_SHARED_CREDENTIALS_FILE": _NOWHERE,
        "NO_PROXY": "127.0.0.0/8,localhost",
        "no_proxy": "127.0.0.0/8,localhost",
    }
