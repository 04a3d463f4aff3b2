"""Which vendors there are: slug -> dotted path, imported on first use."""

from __future__ import annotations

from importlib import import_module

from pmsapp.adapters.base import Adapter, AdapterInfo
from pmsapp.domain.errors import ConfigurationError

ADAPTERS: dict[str, str] = {
    "gentu": "pmsapp.adapters.gentu.adapter:GentuAdapter",
    "medirecords": "pmsapp.adapters.medirecords.adapter:MediRecordsAdapter",
    "halaxy": "pmsapp.adapters.halaxy.adapter:HalaxyAdapter",
}


class UnknownPMSError(LookupError):
    """No adapter is registered under that slug."""


def get_adapter(pms_type: str) -> type[Adapter]:
    """The adapter class for a slug. Raises UnknownPMSError, or ConfigurationError when the class names another slug."""
    try:
        module_name, class_name = ADAPTERS[pms_type].split(":")
    except KeyError:
        raise UnknownPMSError(pms_type) from None
    adapter: type[Adapter] = getattr(import_module(module_name), class_name)
    if not issubclass(adapter, Adapter) or adapter.info.slug != pms_type:
        raise ConfigurationError(f"The adapter registered as {pms_type} calls itself {adapter.info.slug}.")
    return adapter


def get_info(pms_type: str) -> AdapterInfo:
    """What the vendor of a slug declares about itself. Raises UnknownPMSError."""
    return get_adapter(pms_type).info


def list_infos() -> list[AdapterInfo]:
    """Every registered vendor, in registry order."""
    return [get_info(slug) for slug in ADAPTERS]
