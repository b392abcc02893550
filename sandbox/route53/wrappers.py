"""The wrappers over moto's Route 53: batches that are atomic, changes that take time.

They reach into private code, so moto is pinned exactly and every wrapper has a canary test.
`install` puts them on; what it returns takes them off again.
"""

from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend, route53_backends
from moto.route53.responses import Route53

from sandbox.ec2.cloud import Cloud
from sandbox.names.zones import Zones
from sandbox.request import DEFAULT_ACCOUNT
from sandbox.route53.batches import change
from sandbox.wrapping import replace

BASE = "spawn.test"
"""The domain of the zone that every sandbox has (`.test` is nobody's:
https://www.rfc-editor.org/rfc/rfc6761#section-6.2)."""

_KEPT = 10_000
_PREFIX = "/change/"

_create: Any = Route53Backend.create_hosted_zone
_delete: Any = Route53Backend.delete_hosted_zone


def install(cloud: Cloud, zones: Zones) -> Callable[[], None]:
    """Put every wrapper on; call the result to take them off."""
    wanted = (*_zones(zones), *_changes(Changes(cloud)))
    undo = [replace(owner, name, replacement) for owner, name, replacement in wanted]

    def uninstall() -> None:
        for restore in reversed(undo):
            restore()

    return uninstall


def _zones(zones: Zones) -> Iterable[tuple[Any, str, Any]]:
    """Yield what keeps the name server's zones in step, and batches whole."""

    def create_hosted_zone(backend: Any, *arguments: Any, **named: Any) -> Any:
        zone = _create(backend, *arguments, **named)
        for record_set in zone.rrsets:
            record_set.records = [_text(value) for value in record_set.records]
        zones.changed(zone)
        return zone

    def delete_hosted_zone(backend: Any, zone_id: str) -> Any:
        zone = _delete(backend, zone_id)
        zones.removed(zone)
        return zone

    def change_record_sets(backend: Any, zone_id: str, change_list: list[dict[str, Any]]) -> None:
        zone = backend.get_hosted_zone(zone_id)
        zone.rrsets = change(zone, change_list)
        zones.changed(zone)

    yield Route53Backend, "create_hosted_zone", create_hosted_zone
    yield Route53Backend, "delete_hosted_zone", delete_hosted_zone
    yield Route53Backend, "change_resource_record_sets", change_record_sets


def _changes(changes: "Changes") -> Iterable[tuple[Any, str, Any]]:
    """Yield what lets changes take their time."""

    def change_resource_record_sets(response: Any) -> ActionResult:
        zone_id = response._get_param("HostedZoneId")  # noqa: SLF001  moto's own way
        change_list = response._get_param("ChangeBatch.Changes")  # noqa: SLF001  as above
        response.backend.change_resource_record_sets(zone_id, change_list)
        return _info(changes.begin(), "PENDING")

    def get_change(response: Any) -> ActionResult:
        change_id = str(response._get_param("Id"))  # noqa: SLF001  as above
        return _info(change_id, changes.status(change_id))

    yield Route53, "change_resource_record_sets", change_resource_record_sets
    yield Route53, "get_change", get_change


def make_zone() -> str:
    """Make the zone of `BASE`; return its id. Moto's thread only."""
    backend: Any = route53_backends[DEFAULT_ACCOUNT]["aws"]
    zone = backend.create_hosted_zone(f"{BASE}.", private_zone=False, caller_reference="sandbox")
    return str(zone.resource_id)


class Changes:
    """When each change is INSYNC. Moto's thread only."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._done_at: dict[str, float] = {}

    def begin(self) -> str:
        """Return the id of a new change."""
        number = f"C{token_hex(7).upper()}"
        delay = self._cloud.draw(self._cloud.timings.names_in_sync)
        self._done_at[number] = self._cloud.clock.monotonic() + delay
        if len(self._done_at) > _KEPT:
            del self._done_at[next(iter(self._done_at))]
        return f"{_PREFIX}{number}"

    def status(self, change_id: str) -> str:
        """Return PENDING or INSYNC. Raises `NoSuchChange`."""
        done_at = self._done_at.get(change_id.removeprefix(_PREFIX))
        if done_at is None:
            raise Route53ClientError("NoSuchChange", f"Could not find change {change_id}")
        return "PENDING" if self._cloud.clock.monotonic() < done_at else "INSYNC"


def _text(value: Any) -> str:
    """Return a value of a new zone's: moto has those of its SOA in dicts."""
    return value if isinstance(value, str) else str(value["Value"])


def _info(change_id: str, status: str) -> ActionResult:
    return ActionResult(
        {"ChangeInfo": {"Id": change_id, "Status": status, "SubmittedAt": utcnow()}}
    )
