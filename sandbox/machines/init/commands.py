"""What the shims ask of the init, and what it answers."""

from sandbox.machines.init import transient
from sandbox.machines.init.messages import Answer, Asked
from sandbox.machines.init.power import Down, Power, parse_shutdown
from sandbox.machines.init.systemctl import Systemctl, parse_options
from sandbox.machines.init.systemd import Systemd, UnitError
from sandbox.machines.init.world import World

_POWER = frozenset({"poweroff", "reboot", "halt"})


class Commands:
    """Answers the shims."""

    def __init__(self, world: World, systemd: Systemd, power: Power) -> None:
        self._world = world
        self._systemd = systemd
        self._systemctl = Systemctl(systemd)
        self._power = power

    async def answer(self, asked: Asked) -> Answer:
        """Do what a shim was called for."""
        try:
            return await self._answer(asked)
        except UnitError as error:
            return Answer(error.code, err=f"{error}\n")
        except ValueError as error:
            return Answer(1, err=f"{error}\n")

    async def _answer(self, asked: Asked) -> Answer:
        match asked.program:
            case "shutdown":
                return self._shutdown(asked.arguments)
            case "systemd-run":
                return await transient.run(self._systemd, asked.arguments, asked.directory)
            case "systemctl":
                options = parse_options(asked.arguments)
                verb = options.words[0] if options.words else ""
                if verb not in _POWER:
                    return await self._systemctl.run(options)
                return self._power_off(verb)
            case program:
                return self._power_off(program)

    def _power_off(self, program: str) -> Answer:
        self._power.go_down(Down("reboot" if program == "reboot" else "poweroff"))
        return Answer()

    def _shutdown(self, arguments: list[str]) -> Answer:
        shutdown = parse_shutdown(arguments, self._world.clock.now())
        if shutdown.at is None and not shutdown.cancel:
            self._power.go_down(Down(shutdown.will))
            return Answer()
        self._power.schedule(shutdown)
        if shutdown.at is None:
            return Answer()
        at = f"{shutdown.at.astimezone():%a %Y-%m-%d %H:%M:%S %Z}"
        return Answer(err=f"Shutdown scheduled for {at}, use 'shutdown -c' to cancel.\n")
