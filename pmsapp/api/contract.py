"""How a call is declared: its body, parameters and answers, checked at the door and written into the document.

spectree keeps the declarations and makes the OpenAPI document of them. Reading requests is ours, because it has to
tell a body that is no JSON (400) from one of another kind (415) and from one that is wrong (422), and because a
refusal must never repeat what was sent.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeAlias

from flask import Response as FlaskResponse
from flask import current_app, request
from pydantic import BaseModel, ValidationError
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from pmsapp import __version__
from pmsapp.schemas.problem import Problem
from pmsapp.services.base.errors import Invalid

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
MAX_PATH_ID = 10**18 - 1
# Answers that any call may give.
_ALWAYS = (401, 403, 429, 503)
_METHODS = ("get", "post", "put", "patch", "delete")
_NOT_JSON = {"json_invalid", "json_type"}
_SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "This field is not known.",
    "string_type": "This must be text.",
    "int_type": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "model_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "list_type": "This must be a list.",
    "timezone_aware": "Give the time with its offset.",
}


class IdConverter(BaseConverter):
    """Ids that fit the database; anything else is an address that does not exist, whatever the method."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)


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
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": MAX_PATH_ID}
        return path, parameters

    def request_validation(
        self, request: Any, query: Any, json: Any, form: Any, headers: Any, cookies: Any
    ) -> None:
        request.context = Context(
            _read_address(query) if query else None,
            _read_body(json) if json else None,
            None,
            headers.model_validate({"If-Match": request.headers.get("If-Match")}) if headers else None,
            None,
        )


def _read_address(model: type[BaseModel]) -> BaseModel:
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise invalid(error) from None


def _read_body(model: type[BaseModel]) -> BaseModel:
    raw = request.get_data(cache=True)
    if raw and not request.is_json:
        raise UnsupportedMediaType
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        if any(one["type"] in _NOT_JSON for one in error.errors(include_url=False, include_input=False)):
            raise BadRequest from None
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """Every wrong field with one sentence; what was sent is not repeated."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        field = ".".join(str(part) for part in one["loc"] if part != "function-before") or "body"
        sentence = _SENTENCES.get(one["type"]) or f"{one['msg'].removeprefix('Value error, ').rstrip('.')}."
        found.setdefault(field, sentence)
    return Invalid(found)


def _quiet(*_args: Any) -> None:
    """Nothing is logged about requests or answers here: they hold patient data."""


_tree = SpecTree(
    backend=_Plugin,
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

    Body and parameters come from the view's annotations (`json`, `query`, `headers`).
    """
    models: dict[str, Any] = {f"HTTP_{status}": model for status, model in answers.items()}
    models |= {f"HTTP_{status}": Problem for status in sorted({*_ALWAYS, *refusals})}

    def declare(view: Callable[P, Answered]) -> Callable[P, Any]:
        declare_it = _tree.validate(resp=Response(**models), tags=(tag,), operation_id=view.__name__)
        declared: Callable[P, Any] = declare_it(view)
        return declared

    return declare


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. spectree makes it once per process; what we add goes into a copy."""
    found: dict[str, Any] = copy.deepcopy(_tree.spec)
    for path, operations in found["paths"].items():
        found["paths"][path] = {method: operations[method] for method in _METHODS if method in operations}
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = _is_needed(operation["requestBody"], found)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "content" in answer:
                    answer["content"] = {PROBLEM_JSON: answer["content"]["application/json"]}
    return found


def _is_needed(body: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """A body without required fields may be left out altogether."""
    name = str(body["content"]["application/json"]["schema"]["$ref"]).rsplit("/", 1)[-1]
    return bool(spec["components"]["schemas"][name].get("required"))
