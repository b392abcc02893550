"""IAM in memory: roles and instance profiles, and calls that are cut off before or after."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from spawn.aws.errors import outcome_of
from spawn.clock import SystemClock
from spawn.contracts.grants import InstanceProfile, Role
from spawn.errors import Transient


class FakeIam:
    """Identity and Access Management, of one account.

    `cut_off` numbers calls, from 1, whose caller never hears of them.
    """

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}
        self.profiles: dict[str, InstanceProfile] = {}
        self.counted: Counter[str] = Counter()
        self.cut_off: set[int] = set()

    async def role(self, name: str) -> Role:
        await self._enter("GetRole")
        if name not in self.roles:
            raise outcome_of("NoSuchEntity", f"The role with name {name} cannot be found.")
        return self.roles[name]

    async def create_role(self, role: Role) -> None:
        if role.name in self.roles:
            raise outcome_of("EntityAlreadyExists", f"Role with name {role.name} already exists.")
        self.roles[role.name] = role
        await self._enter("CreateRole")

    async def set_trust(self, name: str, trust: str) -> None:
        self.roles[name] = msgspec.structs.replace(self.roles[name], trust=trust)
        await self._enter("UpdateAssumeRolePolicy")

    async def instance_profile(self, name: str) -> InstanceProfile:
        await self._enter("GetInstanceProfile")
        if name not in self.profiles:
            raise outcome_of("NoSuchEntity", f"Instance Profile {name} cannot be found.")
        return self.profiles[name]

    async def create_instance_profile(
        self, name: str, *, path: str, tags: Mapping[str, str]
    ) -> None:
        del tags
        if name in self.profiles:
            raise outcome_of("EntityAlreadyExists", f"Instance Profile {name} already exists.")
        self.profiles[name] = InstanceProfile(name=name, path=path, roles=())
        await self._enter("CreateInstanceProfile")

    async def add_role(self, profile: str, role: str) -> None:
        found = self.profiles[profile]
        if found.roles:
            raise outcome_of("EntityAlreadyExists", "Instance profiles hold one role.")
        self.profiles[profile] = msgspec.structs.replace(found, roles=(role,))
        await self._enter("AddRoleToInstanceProfile")

    async def _enter(self, api: str) -> None:
        # Others get their turn between any two calls.
        await SystemClock().sleep(timedelta(0))
        self.counted[api] += 1
        if self.counted.total() in self.cut_off:
            raise Transient(f"{api}: the answer was lost")
