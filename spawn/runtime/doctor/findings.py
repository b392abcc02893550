"""What the doctor says: findings, and what it saw."""

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; `hint` says what to do when it is not well."""

    check: str
    ok: bool
    detail: str
    hint: str = ""


class ServiceView(msgspec.Struct, frozen=True):
    """One service and the process that it runs in."""

    name: str
    pid: int
    ready: bool
    metrics_url: str


class BusView(msgspec.Struct, frozen=True):
    """The bus that commands go to; version and pid are empty for one elsewhere."""

    url: str
    reachable: bool
    version: str = ""
    pid: int | None = None
    monitor_url: str = ""


class SandboxView(msgspec.Struct, frozen=True):
    """The laptop cloud."""

    endpoint: str
    region: str
    pid: int
    reachable: bool
    metrics_url: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at once."""

    deployment: str
    running: bool
    services: tuple[ServiceView, ...]
    bus: BusView | None
    sandbox: SandboxView | None
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing was found wrong."""
        return all(finding.ok for finding in self.findings)
