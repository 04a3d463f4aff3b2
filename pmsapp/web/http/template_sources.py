"""The templates, read into memory once per process and inherited by the processes it forks.

Installing another version changes the files under a process that still runs. It goes on with its own templates then,
compiled as they are needed, instead of meeting ones that ask for what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, TemplateNotFound

from pmsapp import paths


class MemoryLoader(BaseLoader):
    """Templates by their name in the folder."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def list_templates(self) -> list[str]:
        """Every name."""
        return sorted(self._sources)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source, with the name of the file it came from for those who read a traceback."""
        if template not in self._sources:
            raise TemplateNotFound(template)
        return self._sources[template], str(paths.TEMPLATES / template), lambda: True


def loader() -> MemoryLoader:
    """A loader of the templates as they were when this process, or the one it was forked from, first asked."""
    return MemoryLoader(_read(paths.TEMPLATES))


@cache
def _read(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
