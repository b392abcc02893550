"""The laptop cloud as a child: it survives supervisors, and is taken over by the next."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from spawn.runtime.files import write_private
from spawn.runtime.home import Home, SandboxFacts
from spawn.runtime.supervisor import specs
from spawn.runtime.supervisor.child import Care, Child
from spawn.runtime.supervisor.launch import Running
from spawn.runtime.supervisor.probe import is_free
from spawn.runtime.supervisor.readiness import cloud_is_ready, read_sandbox_file
from spawn.runtime.supervisor.recovery import Leftovers


class CloudRecipe:
    """How the cloud is started, and what is known of it.

    `on_new` is called when it was started again and has another address or other keys.
    """

    def __init__(
        self, home: Home, *, env: Mapping[str, str], care: Care, on_new: Callable[[], None]
    ) -> None:
        self._home = home
        self._env = env
        self._board = care.board
        self._care = care
        self._on_new = on_new

    def child(self, leftovers: Leftovers) -> Child:
        """Return the child, already running when a cloud was left over."""
        found = None
        if leftovers.cloud is not None and leftovers.facts is not None:
            found = Running(leftovers.cloud)
            # Its own copy may have gone with the state folder.
            write_private(self._home.sandbox_file, msgspec.json.encode(leftovers.facts))
        return Child(self._spec, is_ready=self._is_ready, care=self._care, found=found)

    def _spec(self) -> specs.Spec:
        return specs.cloud(self._home, port=self._port(), env=self._env)

    def _port(self) -> int:
        """Return the port of its last life, so that clients find it again; 0 when taken."""
        last = self._board.state.sandbox
        port = 0 if last is None else urlsplit(last.endpoint).port or 0
        return port if port and is_free(port) else 0

    async def _is_ready(self, running: Running) -> bool:
        facts = read_sandbox_file(self._home)
        if facts is None or facts.pid != running.ref.pid or not await cloud_is_ready(facts):
            return False
        self._meet(facts)
        return True

    def _meet(self, facts: SandboxFacts) -> None:
        last = self._board.state.sandbox
        self._board.change(sandbox=facts)
        if last is not None and specs.aws_exports(last) != specs.aws_exports(facts):
            self._on_new()
