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
    """What an operator may set for names, each as `SPAWN_DNS_<FIELD>`."""

    backend: Annotated[
        Backend,
        msgspec.Meta(
            description="Where names are written: route53, rfc2136 (dynamic update of a name"
            " server), or none"
        ),
    ] = Backend.NONE
    base: Annotated[
        str,
        msgspec.Meta(
            description="Domain below which names are made, such as team.example.org; one"
            " deployment's own"
        ),
    ] = ""
    zone_id: Annotated[str, msgspec.Meta(description="Id of Route 53's hosted zone")] = ""
    zone: Annotated[
        str, msgspec.Meta(description="Zone that dynamic updates go to; the base when unset")
    ] = ""
    ttl: Annotated[
        timedelta, msgspec.Meta(description="How long resolvers may keep an answer")
    ] = timedelta(seconds=30)
    address: Annotated[
        AddressKind,
        msgspec.Meta(
            description="Which address names resolve to, private or public, where a launch does"
            " not say"
        ),
    ] = AddressKind.PRIVATE
    server: Annotated[
        str, msgspec.Meta(description="Name server that takes dynamic updates, host:port")
    ] = ""
    tsig_name: Annotated[str, msgspec.Meta(description="Name of the TSIG key")] = ""
    tsig_algorithm: Annotated[
        str, msgspec.Meta(description="Algorithm of the TSIG key: hmac-sha256, -sha384, -sha512")
    ] = "hmac-sha256"
    tsig_file: Annotated[
        str,
        msgspec.Meta(description="Path of a file of mode 0600, the TSIG key's secret in base64"),
    ] = ""
    sweep: Annotated[
        timedelta, msgspec.Meta(description="Time between two looks at the whole zone")
    ] = timedelta(minutes=5)
