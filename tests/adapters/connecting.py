"""Adapters with a good login at a running sandbox, for tests of one vendor's own ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pmsapp.adapters.base import Adapter, AdapterConfig
from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.tokens import MemoryTokens
from pmsapp.adapters.registry import get_adapter


@contextmanager
def connect(slug: str, config: AdapterConfig, **options: Any) -> Iterator[Adapter]:
    """An adapter that talks to loopback without pauses between tries; `options` go to the client."""
    kind = get_adapter(slug)
    client = HTTPClient(
        config.base_url,
        label=kind.info.label,
        hosts=HostPolicy((), ("127.0.0.1",)),
        repeats_500=kind.info.repeats_500,
        **{"user_agent": "pmsapp test", "backoff_s": 0.0, **options},
    )
    yield kind(config, client.with_tokens(MemoryTokens(lambda: kind.mint_token(config, client))))
    client.close()
