"""The behaviours that are in force, as the front and the admin API share them."""

import random
from datetime import timedelta

from sandbox.behaviour import (
    ANY,
    Boot,
    CapacityRule,
    Enforcement,
    Fault,
    Latency,
    Lifecycle,
    MachineMode,
    Machines,
    Notices,
    Quota,
    Scenario,
    Signature,
    SpotPrice,
    Storm,
    Throttle,
    ThrottleRule,
    ZoneScore,
)
from sandbox.buckets import Buckets, Limits, documented
from sandbox.ec2.cloud import Cloud
from sandbox.faults import Faults
from sandbox.request import Call

_NO_TIME = timedelta(0)


class Behaviours:
    """What the cloud was told to do, starting from a scenario."""

    def __init__(self, cloud: Cloud, scenario: Scenario, *, randomness: random.Random) -> None:
        self._cloud = cloud
        self._scenario = scenario
        self._randomness = randomness
        self.buckets = Buckets()
        self.faults = Faults()
        self.throttling = True
        self.verified: frozenset[str] = frozenset()
        self.enforcing = True
        self.machines: MachineMode = "off"
        self._boots: list[Boot] = []
        self._limits: dict[tuple[str, str], Limits] = {}
        self._latencies: list[Latency] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the scenario that the sandbox was started with, with full buckets."""
        self.buckets.clear()
        self.faults.clear()
        self.throttling = True
        self._limits.clear()
        self._latencies.clear()
        self._boots.clear()
        self._cloud.reset_behaviour()
        self._apply(self._scenario)

    def add_capacity(self, rule: CapacityRule) -> None:
        """Set the free places of pools."""
        self._cloud.capacity.set(rule)

    def add_fault(self, fault: Fault) -> None:
        """Let a fault hit the next calls."""
        self.faults.add(fault)

    def set_throttle(self, throttle: Throttle) -> None:
        """Switch throttling, or give APIs other buckets."""
        if throttle.enabled is not None:
            self.throttling = throttle.enabled
        for rule in throttle.rules:
            self._limits[rule.service, rule.api] = _limits(rule)

    def add_latency(self, latency: Latency) -> None:
        """Delay calls; a later rule goes before an earlier one."""
        self._latencies.insert(0, latency)

    def set_lifecycle(self, lifecycle: Lifecycle) -> None:
        """Change how long EC2 takes; instances on their way keep their times."""
        self._cloud.timings = self._cloud.timings.changed(lifecycle)

    def set_notices(self, notices: Notices) -> None:
        """Change how the cloud warns; warnings that are under way keep their times."""
        self._cloud.notices = self._cloud.notices.changed(notices)

    def add_storm(self, storm: Storm) -> None:
        """Have a storm come once an array is large enough."""
        self._cloud.storms.append(storm)

    def set_quota(self, quota: Quota) -> None:
        """Change how many vCPUs may run."""
        self._cloud.quotas[quota.market] = quota.vcpus

    def add_price(self, price: SpotPrice) -> None:
        """Change what spot costs."""
        self._cloud.market.set_price(price)

    def add_score(self, score: ZoneScore) -> None:
        """Change how zones score."""
        self._cloud.market.set_score(score)

    def set_signature(self, signature: Signature) -> None:
        """Choose the services whose signatures are verified."""
        self.verified = frozenset(signature.services)

    def set_enforcement(self, enforcement: Enforcement) -> None:
        """Choose whether users and roles are held to their policies."""
        self.enforcing = enforcement.enabled

    def set_machines(self, machines: Machines) -> None:
        """Choose what runs behind instances that begin to run from now on."""
        self.machines = machines.mode

    def add_boot(self, boot: Boot) -> None:
        """Change how machines boot; a later rule goes before an earlier one."""
        self._boots.insert(0, boot)

    def boot_delay(self, rank: int) -> timedelta:
        """Return how long a machine waits before it boots."""
        for rule in self._boots:
            if rule.rank in {None, rank} and rule.delay is not None:
                return rule.delay.draw(self._randomness)
        return _NO_TIME

    def user_data_fails(self, rank: int) -> bool:
        """Tell whether a machine's user-data is to fail."""
        for rule in self._boots:
            if rule.rank in {None, rank} and rule.user_data_fails is not None:
                return rule.user_data_fails
        return False

    def limits(self, service: str, api: str) -> Limits:
        """Return the buckets of an API."""
        for key in ((service, api), (service, ANY)):
            if key in self._limits:
                return self._limits[key]
        return documented(service, api)

    def latency(self, call: Call) -> timedelta:
        """Return how long `call` waits before it is performed."""
        for rule in self._latencies:
            if rule.service in {ANY, call.service} and rule.api in {ANY, call.action}:
                return rule.delay.draw(self._randomness)
        return _NO_TIME

    def verifies(self, service: str) -> bool:
        """Tell whether the signatures of a service's calls are checked."""
        return ANY in self.verified or service in self.verified

    def _apply(self, scenario: Scenario) -> None:
        for rule in scenario.capacity:
            self.add_capacity(rule)
        for fault in scenario.fault:
            self.add_fault(fault)
        for latency in scenario.latency:
            self.add_latency(latency)
        for quota in scenario.quota:
            self.set_quota(quota)
        for price in scenario.price:
            self.add_price(price)
        for score in scenario.score:
            self.add_score(score)
        self.set_throttle(scenario.throttle)
        self.set_lifecycle(scenario.lifecycle)
        self.set_notices(scenario.notices)
        self._cloud.storms.extend(scenario.storm)
        self.set_signature(scenario.signature)
        self.set_enforcement(scenario.enforcement)
        self.set_machines(scenario.machines)
        for boot in scenario.boot:
            self.add_boot(boot)


def _limits(rule: ThrottleRule) -> Limits:
    return Limits(requests=rule.requests, resources=rule.resources)
