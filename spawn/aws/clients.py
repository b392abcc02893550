"""One aioboto3 session, and one client for each service and region, made once and kept."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import threading
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioboto3
import botocore.session
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import UNSIGNED
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.loaders import Loader, create_loader

from spawn.aws.parsing import Parsers, trim

if TYPE_CHECKING:
    from typing import Self

    from spawn.aws.settings import AwsSettings

FALLBACK_REGION = "us-east-1"
"""Where services that answer for every region are asked when no region is configured."""

_SIGNED_BY_4 = AioConfig(signature_version="s3v4")
"""botocore still signs links by version 2, which buckets that are younger than 2020 refuse
(https://docs.aws.amazon.com/AmazonS3/latest/API/specify-signature-version.html)."""

_loading = threading.Lock()


class Clients:
    """The clients of one process, open until the context ends."""

    def __init__(self, settings: AwsSettings) -> None:
        self._config = AioConfig(
            connect_timeout=settings.connect_timeout.total_seconds(),
            read_timeout=settings.read_timeout.total_seconds(),
            max_pool_connections=settings.max_pool_connections,
            # Retries are the door's own, where they wait for tokens. botocore would also repeat
            # InsufficientInstanceCapacity (HTTP 500), emptying the bucket of RunInstances.
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent_extra="spawn",
        )
        self._core = AioSession()
        self._core.register_component("data_loader", _models())
        self._core.register_component("response_parser_factory", Parsers())
        # Untyped: its stubs have one overload for each service that there is.
        self._session: Any = aioboto3.Session(botocore_session=self._core)
        self._stack = AsyncExitStack()
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @property
    def region(self) -> str:
        """The region that is configured (AWS_DEFAULT_REGION or the profile), or empty."""
        return self._core.get_config_variable("region") or ""

    async def get(self, service: str, region: str) -> Any:
        """Return the client of a service in a region, made at the first call."""
        key = (service, region)
        if key not in self._clients:
            async with self._locks.setdefault(key, asyncio.Lock()):
                if key not in self._clients:
                    self._clients[key] = await self._make(service, region)
        return self._clients[key]

    def endpoint(self, service: str) -> str:
        """Return the endpoint that is configured for a service, empty for AWS's own."""
        if self._core.get_config_variable("ignore_configured_endpoint_urls"):
            return ""
        configured = ConfiguredEndpointProvider(
            full_config=self._core.full_config,
            scoped_config=self._core.get_scoped_config(),
            client_name=service,
        ).provide()
        return configured or ""

    def is_local(self, service: str) -> bool:
        """Say whether the configured endpoint of a service is on this machine's loopback."""
        return _is_loopback(urlsplit(self.endpoint(service)).hostname or "")

    async def _make(self, service: str, region: str) -> Any:
        await asyncio.to_thread(_load, service)
        config = self._config.merge(_SIGNED_BY_4) if service == "s3" else self._config
        client = self._session.client(service, region_name=region, config=config)
        return await self._stack.enter_async_context(client)


@cache
def _models() -> Loader:
    """Return the models that all clients of the process are made from: 20 MB, read once."""
    return create_loader()


@cache
def _load(service: str) -> None:
    """Read the models that a client is made from, 0.2 s of JSON, outside the event loop.

    The loader keeps what the throw-away client of a plain session makes it read; where that one
    would go does not matter.
    """
    with _loading:
        models = _models()
        if service == "ec2":
            trim(models.load_service_model(service, "service-2"))
        plain = botocore.session.Session()
        plain.register_component("data_loader", models)
        config = Config(signature_version=UNSIGNED)
        plain.create_client(service, region_name=FALLBACK_REGION, config=config)
    # The models stay for good: going over their 100 000 objects would hold the loop up each time.
    gc.freeze()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
