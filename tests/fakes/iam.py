"""IAM in memory: roles, instance profiles and policies, and calls whose caller is cut off."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from spawn.aws.errors import outcome_of
from spawn.clock import Clock, SystemClock
from spawn.contracts.grants import InstanceProfile, Role
from spawn.errors import Outcome, Transient

ACCOUNT = "123456789012"
READS = frozenset(
    {"GetRole", "GetInstanceProfile", "GetPolicy", "ListRoles", "ListInstanceProfilesForRole"}
)


class FakeIam:
    """Identity and Access Management, of one account.

    `cut_off` numbers calls, from 1, whose caller never hears of them; `denied` names profiles
    that may not be changed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns = SystemClock()
        self.held: dict[str, Role] = {}
        self.profiles: dict[str, InstanceProfile] = {}
        self.policies: dict[str, str] = {}
        self.counted: Counter[str] = Counter()
        self.cut_off: set[int] = set()
        self.denied: set[str] = set()

    @property
    def changes(self) -> int:
        """How many calls were made that change something."""
        return sum(count for api, count in self.counted.items() if api not in READS)

    async def role(self, name: str) -> Role:
        await self._enter("GetRole")
        return self._role(name)

    async def roles(self, path: str) -> tuple[str, ...]:
        await self._enter("ListRoles")
        return tuple(sorted(n for n, role in self.held.items() if role.path.startswith(path)))

    async def create_role(self, role: Role) -> None:
        if role.name in self.held:
            raise _taken(f"Role with name {role.name} already exists.")
        self.held[role.name] = msgspec.structs.replace(
            role, inline={}, attached=(), created_at=self._clock.now()
        )
        await self._enter("CreateRole")

    async def set_trust(self, name: str, trust: str) -> None:
        self._change(name, trust=trust)
        await self._enter("UpdateAssumeRolePolicy")

    async def set_boundary(self, name: str, arn: str) -> None:
        self._change(name, boundary=arn)
        await self._enter("PutRolePermissionsBoundary")

    async def tag_role(self, name: str, tags: Mapping[str, str]) -> None:
        self._change(name, tags={**self._role(name).tags, **tags})
        await self._enter("TagRole")

    async def put_policy(self, role: str, name: str, document: str) -> None:
        self._change(role, inline={**self._role(role).inline, name: document})
        await self._enter("PutRolePolicy")

    async def delete_policy(self, role: str, name: str) -> None:
        inline = dict(self._role(role).inline)
        if inline.pop(name, None) is None:
            raise _absent(f"The role policy with name {name} cannot be found.")
        self._change(role, inline=inline)
        await self._enter("DeleteRolePolicy")

    async def attach(self, role: str, arn: str) -> None:
        if arn not in self.policies:
            raise _absent(f"Policy {arn} does not exist or is not attachable.")
        self._change(role, attached=(*self._role(role).attached, arn))
        await self._enter("AttachRolePolicy")

    async def detach(self, role: str, arn: str) -> None:
        attached = self._role(role).attached
        if arn not in attached:
            raise _absent(f"Policy {arn} was not found.")
        self._change(role, attached=tuple(each for each in attached if each != arn))
        await self._enter("DetachRolePolicy")

    async def delete_role(self, name: str) -> None:
        role = self._role(name)
        if role.inline or role.attached or self._in_profiles(name):
            raise outcome_of("DeleteConflict", "Cannot delete entity, must detach first.")
        del self.held[name]
        await self._enter("DeleteRole")

    async def instance_profile(self, name: str) -> InstanceProfile:
        await self._enter("GetInstanceProfile")
        return self._profile(name)

    async def profiles_of(self, role: str) -> tuple[str, ...]:
        await self._enter("ListInstanceProfilesForRole")
        self._role(role)
        return self._in_profiles(role)

    async def create_instance_profile(
        self, name: str, *, path: str, tags: Mapping[str, str]
    ) -> None:
        del tags
        if name in self.profiles:
            raise _taken(f"Instance Profile {name} already exists.")
        self.profiles[name] = InstanceProfile(name=name, path=path, roles=())
        await self._enter("CreateInstanceProfile")

    async def add_role(self, profile: str, role: str) -> None:
        found = self._profile(profile)
        self._role(role)
        if found.roles:
            raise _taken("Instance profiles hold one role.")
        self.profiles[profile] = msgspec.structs.replace(found, roles=(role,))
        await self._enter("AddRoleToInstanceProfile")

    async def remove_role(self, profile: str, role: str) -> None:
        found = self._profile(profile)
        if role not in found.roles:
            raise _absent(f"Role {role} is not in instance profile {profile}.")
        if profile in self.denied:
            raise outcome_of("AccessDenied", f"not authorized on instance profile {profile}")
        self.profiles[profile] = msgspec.structs.replace(found, roles=())
        await self._enter("RemoveRoleFromInstanceProfile")

    async def delete_instance_profile(self, name: str) -> None:
        if self._profile(name).roles:
            raise outcome_of("DeleteConflict", "Cannot delete entity, must remove roles first.")
        del self.profiles[name]
        await self._enter("DeleteInstanceProfile")

    async def policy(self, arn: str) -> str:
        await self._enter("GetPolicy")
        if arn not in self.policies:
            raise _absent(f"Policy {arn} was not found.")
        return self.policies[arn]

    async def create_policy(
        self, name: str, *, path: str, document: str, tags: Mapping[str, str]
    ) -> None:
        del tags
        arn = f"arn:aws:iam::{ACCOUNT}:policy{path}{name}"
        if arn in self.policies:
            raise _taken(f"A policy called {name} already exists.")
        self.policies[arn] = document
        await self._enter("CreatePolicy")

    def _role(self, name: str) -> Role:
        if name not in self.held:
            raise _absent(f"The role with name {name} cannot be found.")
        return self.held[name]

    def _profile(self, name: str) -> InstanceProfile:
        if name not in self.profiles:
            raise _absent(f"Instance Profile {name} cannot be found.")
        return self.profiles[name]

    def _change(self, name: str, **changes: object) -> None:
        self.held[name] = msgspec.structs.replace(self._role(name), **changes)

    def _in_profiles(self, role: str) -> tuple[str, ...]:
        return tuple(sorted(n for n, each in self.profiles.items() if role in each.roles))

    async def _enter(self, api: str) -> None:
        # Others get their turn between any two calls.
        await self._turns.sleep(timedelta(0))
        self.counted[api] += 1
        if self.counted.total() in self.cut_off:
            raise Transient(f"{api}: the answer was lost")


def _absent(message: str) -> Outcome:
    return outcome_of("NoSuchEntity", message)


def _taken(message: str) -> Outcome:
    return outcome_of("EntityAlreadyExists", message)
