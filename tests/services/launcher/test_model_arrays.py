"""Launchers in any weather: whatever happens in whatever order, all comes right in the end."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from spawn.aws.errors import outcome_of
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from spawn.contracts.pools import Market
from spawn.errors import NotFound
from tests.fakes.ec2 import ZONES
from tests.faults.scale import TORTURE
from tests.services.launcher.model.plane import SETTINGS, Plane, Replica
from tests.services.launcher.model.truths import check_all, check_names, check_tokens, living_of

SPECS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("train", "serve")),
        "count": st.integers(1, 6),
        "min_count": st.integers(0, 1),
        "ttl": st.sampled_from(("", "", "1m", "10m")),
        "user_data": st.sampled_from(("", "#!/bin/sh\n")),
    }
)
PAUSES = st.sampled_from((0.0, 0.05, 0.25, 0.5, 1.0, 3.0, 10.0, 40.0))
MOST_REPLICAS = 2
LONGEST_HIDING = timedelta(seconds=120)
CALM = 1000.0
"""Seconds of good weather after which everything rests: what is hidden for the five minutes that
EC2 may take is seen, and what is then found is old enough to be ended and swept."""

THROTTLED = outcome_of("RequestLimitExceeded", "Request limit exceeded.", status=503)
LIMITED = outcome_of("VcpuLimitExceeded", "You have requested more vCPU capacity")
APIS = ("RunInstances", "DescribeInstances", "TerminateInstances", "DescribeSubnets")


class Asked:
    """What was asked of one array, and what may have kept it from being had."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.ends: list[str] = []
        self.trouble = False


class Launchers(RuleBasedStateMachine):
    """A few names, one replica or two, and the weather."""

    def __init__(self) -> None:
        super().__init__()
        self.plane = Plane()
        self.asked: dict[ArrayId, Asked] = {}
        self.requests = 0

    @initialize(hidden=st.sampled_from((0, 0, 20, 120)), boot=st.integers(0, 10))
    def begin(self, hidden: int, boot: int) -> None:
        self.hide(hidden)
        self.slow_down(boot, boot)
        self.plane.start("a")
        self.plane.run(1.0)

    @rule(spec=SPECS, own_name=st.booleans(), room=st.none() | st.integers(0, 3), pause=PAUSES)
    def launch(self, spec: dict[str, Any], own_name: bool, room: int | None, pause: float) -> None:
        if room is not None:
            self.run_short(ZONES[0], room)
        self.requests += 1
        spec = {**spec, "name": f"own{self.requests}"} if own_name else spec
        array = self.plane.launch(f"r{self.requests}", **spec)
        self.asked[array] = Asked(spec)
        weather = self.plane.ec2.weather
        self.asked[array].trouble = bool(weather.capacity) or LIMITED in weather.faults[APIS[0]]
        self.plane.run(pause)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def launch_again(self, data: st.DataObject) -> None:
        array = data.draw(st.sampled_from(list(self.asked)))
        number = list(self.asked).index(array) + 1
        assert self.plane.launch(f"r{number}", **self.asked[array].spec) == array

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), pause=PAUSES)
    def terminate(self, data: st.DataObject, pause: float) -> None:
        array = data.draw(st.sampled_from(list(self.asked)))
        self.asked[array].ends.append(self.plane.terminate(array))
        self.plane.run(pause)

    @rule(seconds=PAUSES | st.sampled_from((130.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.plane.run(seconds)

    @rule(zone=st.sampled_from(ZONES), room=st.integers(0, 3))
    def run_short(self, zone: str, room: int) -> None:
        kind = SETTINGS.default_instance_type
        self.plane.ec2.weather.capacity[(Market.ON_DEMAND, kind, zone)] = room
        self._trouble()

    @rule()
    def have_room(self) -> None:
        self.plane.ec2.weather.capacity.clear()

    @rule(api=st.sampled_from(APIS), times=st.integers(1, 3))
    def throttle(self, api: str, times: int) -> None:
        self.plane.ec2.fail(api, *[THROTTLED] * times)

    @rule(api=st.sampled_from(APIS[:3]), times=st.integers(1, 2))
    def lose_replies(self, api: str, times: int) -> None:
        self.plane.ec2.lose_replies(api, times)

    @rule(asking=st.integers(0, 4), answers=st.integers(0, 4))
    def disturb_the_bus(self, asking: int, answers: int) -> None:
        self.plane.line.asking_lost += asking
        self.plane.line.answers_lost += answers

    @rule()
    def exceed_the_quota(self) -> None:
        self.plane.ec2.fail("RunInstances", LIMITED)
        self._trouble()

    @rule(seconds=st.integers(0, int(LONGEST_HIDING.total_seconds())))
    def hide(self, seconds: int) -> None:
        weather = self.plane.ec2.weather
        weather.hidden = weather.unknown = timedelta(seconds=seconds)

    @rule(boot=st.integers(0, 30), halt=st.integers(0, 30))
    def slow_down(self, boot: int, halt: int) -> None:
        weather = self.plane.ec2.weather
        weather.boot, weather.halt = timedelta(seconds=boot), timedelta(seconds=halt)

    @precondition(lambda self: self.plane.ec2.living())
    @rule(data=st.data())
    def reclaim(self, data: st.DataObject) -> None:
        self.plane.ec2.reclaim(data.draw(st.sampled_from(self.plane.ec2.living())))
        self._trouble()

    @precondition(lambda self: self.plane.living())
    @rule(data=st.data(), calls=st.integers(1, 60), after=st.booleans(), pause=PAUSES)
    def doom(self, data: st.DataObject, calls: int, after: bool, pause: float) -> None:
        self._one(data).power.cut(calls=calls, after=after)
        self.plane.run(pause)

    @precondition(lambda self: self.plane.living())
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        self.plane.kill(self._one(data))

    @precondition(lambda self: len(self.plane.living()) < MOST_REPLICAS)
    @rule(name=st.sampled_from("abc"), pause=PAUSES)
    def start(self, name: str, pause: float) -> None:
        if name not in {each.name for each in self.plane.living()}:
            self.plane.start(name)
        self.plane.run(pause)

    @precondition(lambda self: self.plane.bus.held)
    @rule(data=st.data())
    def lose_a_fence(self, data: st.DataObject) -> None:
        self.plane.bus.expire_fence(data.draw(st.sampled_from(sorted(self.plane.bus.held))))

    @invariant()
    def no_token_makes_two_reservations(self) -> None:
        check_tokens(self.plane)

    @invariant()
    def no_two_arrays_have_one_name(self) -> None:
        check_names(self.plane)

    def teardown(self) -> None:
        try:
            self._clear_up()
            check_all(self.plane)
            for array, asked in self.asked.items():
                self._check_fate(array, asked)
        finally:
            self.plane.close()

    def _clear_up(self) -> None:
        weather = self.plane.ec2.weather
        weather.hidden = weather.unknown = timedelta(0)
        weather.boot = weather.halt = timedelta(0)
        weather.faults.clear()
        self.plane.line.asking_lost = self.plane.line.answers_lost = 0
        weather.lost_replies.clear()
        for replica in self.plane.living():
            replica.power.cut_at = None
        if not self.plane.living():
            self.plane.start("a")
        self.plane.run(CALM)

    def _check_fate(self, array: ArrayId, asked: Asked) -> None:
        state = self.plane.state(array)
        ended = [message for message in asked.ends if message in self.plane.done]
        names = [event.name for event in self.plane.told(array)]
        for message in asked.ends:
            known = isinstance(self.plane.refused.get(message), NotFound)
            assert known or message in self.plane.done
        if state is None:
            assert "array.rejected" in names
            return
        if ended or asked.spec["ttl"]:
            assert state.is_over
        elif not asked.trouble:
            assert state is ArrayState.READY
            assert len(living_of(self.plane, array)) == asked.spec["count"]

    def _one(self, data: st.DataObject) -> Replica:
        living = self.plane.living()
        return living[data.draw(st.integers(0, len(living) - 1))]

    def _trouble(self) -> None:
        for asked in self.asked.values():
            asked.trouble = True


def run(examples: int) -> None:
    chosen = settings(
        max_examples=examples,
        # To make one smaller takes minutes, which only a long run has.
        phases=tuple(Phase) if TORTURE else (Phase.explicit, Phase.generate),
        stateful_step_count=25,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    run_state_machine_as_test(Launchers, settings=chosen)


def test_launchers_in_any_weather() -> None:
    run(40)


@pytest.mark.fault
@pytest.mark.timeout(3000)
def test_launchers_in_more_weather() -> None:
    run(5000 if TORTURE else 300)
