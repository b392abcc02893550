"""The DNS service's settings, read from `SPAWN_DNS_…`."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from spawn.contracts.launches import AddressKind


class Backend(StrEnum):
    """Where names are written."""

    NONE = "none"
    ROUTE53 = "route53"
    RFC2136 = "rfc2136"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set for names, each as `SPAWN_<FIELD>`."""

    dns_backend: Annotated[
        Backend,
        msgspec.Meta(
            description="Where names are written: route53, rfc2136 (dynamic update of a name"
            " server), or none"
        ),
    ] = Backend.NONE
    dns_base: Annotated[
        str,
        msgspec.Meta(
            description="Domain below which names are made, such as team.example.org; one"
            " deployment's own"
        ),
    ] = ""
    dns_zone_id: Annotated[str, msgspec.Meta(description="Id of Route 53's hosted zone")] = ""
    dns_zone: Annotated[
        str, msgspec.Meta(description="Zone that dynamic updates go to; the base when unset")
    ] = ""
    dns_ttl: Annotated[
        timedelta, msgspec.Meta(description="How long resolvers may keep an answer")
    ] = timedelta(seconds=30)
    dns_address: Annotated[
        AddressKind,
        msgspec.Meta(
            description="Which address names resolve to, private or public, where a launch does"
            " not say"
        ),
    ] = AddressKind.PRIVATE
    dns_server: Annotated[
        str, msgspec.Meta(description="Name server that takes dynamic updates, host:port")
    ] = ""
    dns_tsig_name: Annotated[str, msgspec.Meta(description="Name of the TSIG key")] = ""
    dns_tsig_algorithm: Annotated[
        str, msgspec.Meta(description="Algorithm of the TSIG key: hmac-sha256, -sha384, -sha512")
    ] = "hmac-sha256"
    dns_tsig_file: Annotated[
        str,
        msgspec.Meta(description="Path of a file of mode 0600, the TSIG key's secret in base64"),
    ] = ""
    dns_sweep: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at the whole zone")
    ] = timedelta(minutes=5)
