"""The routes of the app, made once per test process: adding near two hundred of them costs more than many a test.

Views and addresses are the same whatever the settings. Everything else of an app (its hooks, its templates, its
configuration, its database) is its own, and so is what a test adds to its routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Map, RuleFactory
from werkzeug.routing.matcher import StateMachineMatcher

from pmsapp import factory

_add_screens = factory._add_screens
_made: list[_Routes] = []


@dataclass(frozen=True)
class _Routes:
    """The routes of the first app: its map, its views by endpoint, how many rules were added."""

    map: Map
    views: dict[str, Any]
    added: int


class _OwnMap(Map):
    """Reads the routes of the first app; the first rule that is added makes this map stand alone."""

    def __init__(self, first: Map) -> None:
        super().__init__()
        self.converters = first.converters.copy()
        self._matcher, self._rules_by_endpoint, self._remap = first._matcher, first._rules_by_endpoint, False
        self._alone = False

    def add(self, rulefactory: RuleFactory) -> None:
        if not self._alone:
            self._alone = True
            self._matcher = StateMachineMatcher(self.merge_slashes)
            self._rules_by_endpoint = {name: list(rules) for name, rules in self._rules_by_endpoint.items()}
            for rule in self.iter_rules():
                if not rule.build_only:
                    self._matcher.add(rule)
        super().add(rulefactory)


def remember() -> None:
    """From now on the second and every later app of this process takes over the routes of the first."""
    factory._add_screens = _remembered


def _remembered(app: Flask) -> None:
    added: list[object] = []
    add = app.add_url_rule

    def counted(*args: Any, **kwargs: Any) -> None:
        added.append(args)
        if not _made:
            add(*args, **kwargs)

    own = dict(app.view_functions)
    app.add_url_rule = counted  # type: ignore[method-assign]
    _add_screens(app)
    del app.add_url_rule
    if not _made:
        app.url_map.update()
        _made.append(_Routes(app.url_map, dict(app.view_functions), len(added)))
    first = _made[0]
    assert len(added) == first.added, (
        "which routes there are depends on the settings; they are remembered no more"
    )
    app.view_functions = {**first.views, **own}
    app.url_map = _OwnMap(first.map)
