"""How a call is declared: its body, parameters and answers, checked at the door and written into the document.

spectree keeps the declarations and makes the OpenAPI document of them. Reading requests is ours, because it has to
tell a body that is no JSON (400) from one of another kind (415) and from one that is wrong (422), and because a
refusal must never repeat what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeAlias, cast

from flask import Response as FlaskResponse
from flask import current_app, request
from pydantic import BaseModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.model_adapter.protocol import SchemaMode
from spectree.model_adapter.pydantic_adapter import PydanticModelAdapter
from spectree.models import InType, SecureType, SecuritySchemeData
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from pmsapp import __version__
from pmsapp.api import repeats
from pmsapp.schemas import reading
from pmsapp.schemas.base import NoParameters, Nothing
from pmsapp.schemas.fields import MAX_ID
from pmsapp.schemas.problem import Problem

P = ParamSpec("P")
# What a view may give back: a shape, a status with it, headers with it, or a finished response.
Answered: TypeAlias = (
    BaseModel
    | FlaskResponse
    | str
    | tuple[BaseModel | str, int]
    | tuple[BaseModel, dict[str, str]]
    | tuple[BaseModel, int, dict[str, str]]
)

PROBLEM_JSON = "application/problem+json"
# Refusals that any call may give.
_ALWAYS = (400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 503)


class _Plugin(FlaskPlugin):
    """Reads requests strictly, and serves no pages of its own."""

    def register_route(self, app: Any) -> None:
        """The document and its page are routes of ours."""

    def find_routes(self) -> Iterator[Any]:
        """Every route; only those declared here get into the document."""
        return iter(sorted(current_app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)))

    def parse_path(self, route: Any, path_parameter_descriptions: Any) -> tuple[str, list[Any]]:
        path, parameters = super().parse_path(route, path_parameter_descriptions)
        for parameter in parameters:
            if parameter["schema"] is None:  # our own converter
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
        return path, parameters

    def request_validation(
        self, request: Any, query: Any, json: Any, form: Any, headers: Any, cookies: Any
    ) -> None:
        """Every call is checked, also for what it does not take."""
        request.context = Context(
            reading.read_address(query or NoParameters, dict(request.args.lists())),
            _read_body(json or Nothing),
            None,
            headers.model_validate({"If-Match": request.headers.get("If-Match")}) if headers else None,
            None,
        )


class _Models(PydanticModelAdapter):
    """Makes the JSON schema of a model once, though hundreds of answers name it: an app is ready sooner."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[type[Any], str, str], dict[str, Any]] = {}

    def json_schema(
        self, model: type[Any], *, ref_template: str, mode: SchemaMode = "validation"
    ) -> dict[str, Any]:
        """The schema; whoever asks makes a copy before changing it."""
        key = (model, ref_template, mode)
        if key not in self._made:
            self._made[key] = super().json_schema(model, ref_template=ref_template, mode=mode)
        return self._made[key]


def _read_body(model: type[BaseModel]) -> BaseModel:
    raw = request.get_data(cache=True)
    if raw and not request.is_json:
        raise UnsupportedMediaType
    try:
        return reading.read_json(model, raw)
    except reading.NotJSONError:
        raise BadRequest from None


def _quiet(*_args: Any) -> None:
    """Nothing is logged about requests or answers here: they hold patient data."""


_tree = SpecTree(
    backend=_Plugin,
    model_adapter=cast(Any, _Models()),
    before=_quiet,
    after=_quiet,
    mode="strict",
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_model=Problem,
    page_templates={},
    title="pmsapp",
    description=(
        "The telehealth run sheet and its connections to practice software. Instants are ISO 8601 with an offset; "
        "unknown values are null; errors are application/problem+json."
    ),
    version=__version__,
    security_schemes=[
        SecurityScheme(
            name="token",
            data=SecuritySchemeData(
                type=SecureType.HTTP,
                scheme="bearer",
                description="An API token made by an administrator",
            ),
        ),
        SecurityScheme(
            name="session",
            data=SecuritySchemeData(
                type=SecureType.API_KEY,
                field_in=InType.COOKIE,
                name="pmsapp",
                description="A signed-in browser; unsafe methods also need the X-CSRFToken header",
            ),
        ),
    ],
    security=[{"token": []}, {"session": []}],
)


def call(
    *,
    answers: Mapping[int, type[BaseModel] | None],
    refusals: tuple[int, ...] = (),
    tag: str,
) -> Callable[[Callable[P, Answered]], Callable[P, Any]]:
    """Declare a call. `answers`: status -> model of a success; `refusals`: statuses of its problems beside the usual.

    Body and parameters come from the view's annotations (`json`, `query`, `headers`). A POST takes an
    Idempotency-Key.
    """
    models: dict[str, Any] = {f"HTTP_{status}": model for status, model in answers.items()}
    models |= {f"HTTP_{status}": Problem for status in sorted({*_ALWAYS, *refusals})}

    def declare(view: Callable[P, Answered]) -> Callable[P, Any]:
        declare_it = _tree.validate(resp=Response(**models), tags=(tag,), operation_id=view.__name__)
        declared: Callable[P, Any] = repeats.answered_once(declare_it(view))
        return declared

    return declare


def declared() -> dict[str, Any]:
    """What the calls declare, as spectree puts it together. It is made once per process and must not be changed."""
    found: dict[str, Any] = _tree.spec
    return found
