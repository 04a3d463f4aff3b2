"""The OpenAPI document, and a page of it for people: our own markup, no script, nothing from elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from pmsapp.api.contract import PROBLEM_JSON, declared
from pmsapp.api.problem import HTTP_TEXTS
from pmsapp.domain.codes import CATALOGUE
from pmsapp.services.base.idempotency import HEADER, MAX_KEY_CHARS

bp = Blueprint("api_docs", __name__, url_prefix="/api")

# In the order in which somebody who connects a clinic meets them.
TAGS = ("Connections", "Matching", "Runs", "Run sheet", "Decisions", "Clinic", "Alerts")
# Refusals of our own that neither HTTP nor the vendors' catalogue has.
OWN_CODES = {
    "CONFIRM-PASSWORD": "The password was given too long ago for this; enter it once more.",
    "DECIDED": "Somebody has already answered this question.",
    "IDEMPOTENCY-BUSY": "The first call with this key is under way, or it is not known how it ended.",
    "IDEMPOTENCY-FULL": "Too many idempotency keys were used within a day.",
    "FORM-EXPIRED": "The request did not come from our own pages, or its page was open for too long.",
    "INCIDENT-OVER": "The incident is over already; there is nothing to silence.",
    "MANUAL-CARD": "The card was added by hand; there is nothing to ask the practice software.",
    "RUN-OVER": "The run has already ended.",
    "TOKEN-REFUSED": "The API token is unknown, has expired, was revoked, or was sent in the address.",
    "WEBHOOK-REFUSED": "This is not a webhook of a connection here.",
}


_METHODS = ("get", "post", "patch", "put", "delete")
_TEXT = {"type": "string"}
_SECONDS = {"type": "integer", "minimum": 1}
_REQUEST_ID = {"description": "Names this call in the server's log.", "schema": _TEXT}
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "A text of your own making. A repeat under the same key does nothing and gets the first answer for 24 hours; "
        "the same key with another body is 422."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]+$"},
}
_OF_STATUS: dict[str, dict[str, Any]] = {
    "201": {"Location": {"description": "Where the new thing is.", "schema": _TEXT}},
    "401": {"WWW-Authenticate": {"description": "How to say who you are.", "schema": _TEXT}},
    "405": {"Allow": {"description": "The methods this address takes.", "schema": _TEXT}},
    "429": {"Retry-After": {"description": "Seconds to wait.", "schema": _SECONDS}},
    "503": {"Retry-After": {"description": "Seconds to wait, where that is known.", "schema": _SECONDS}},
}
_ETAG = {"description": "The version of what was answered.", "schema": _TEXT}
_TAGGED = frozenset({"get_run_sheet", "get_card", "change_card", "add_card"})
_LOCATED = frozenset({"start_run"})
_CONDITIONAL = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer you have; 304 while it still holds.",
    "schema": _TEXT,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field of a shape. `shape` is the name of the shape it holds, if any."""

    name: str
    type: str
    required: bool
    description: str
    shape: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: str | None
    answers: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One named schema."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class DocsPage:
    """What templates/api/docs.html draws."""

    title: str
    version: str
    description: str
    groups: tuple[tuple[str, tuple[Operation, ...]], ...]
    shapes: tuple[Shape, ...]
    codes: tuple[tuple[str, str], ...]


@bp.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """The document of every call, made from the code."""
    return jsonify(_document())


@bp.get("/docs")
def page() -> ResponseReturnValue:
    """The same document for people."""
    return render_template("api/docs.html", page=_page(_document()))


def _document() -> dict[str, Any]:
    found: dict[str, Any] | None = current_app.extensions.get("pmsapp_openapi")
    if found is None:
        found = document()
        current_app.extensions["pmsapp_openapi"] = found
    return found


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document. What we add goes into a copy of what the calls declare."""
    found: dict[str, Any] = copy.deepcopy(declared())
    found["components"]["securitySchemes"]["session"]["name"] = current_app.config["SESSION_COOKIE_NAME"]
    for path, operations in found["paths"].items():
        found["paths"][path] = {method: operations[method] for method in _METHODS if method in operations}
        for method, operation in found["paths"][path].items():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = _is_needed(operation["requestBody"], found)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and "content" in answer:
                    answer["content"] = {PROBLEM_JSON: answer["content"]["application/json"]}
            _add_headers(method, operation)
    return found


def _is_needed(body: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """A body without required fields may be left out altogether."""
    name = str(body["content"]["application/json"]["schema"]["$ref"]).rsplit("/", 1)[-1]
    return bool(spec["components"]["schemas"][name].get("required"))


def _add_headers(method: str, operation: dict[str, Any]) -> None:
    """Name the headers of one call and of each of its answers."""
    parameters = operation.setdefault("parameters", [])
    if method == "post":
        parameters.append(_KEY)
    if operation["operationId"] == "get_run_sheet":
        parameters.append(_CONDITIONAL)
    for status, answer in operation["responses"].items():
        headers = {"X-Request-Id": _REQUEST_ID, **_OF_STATUS.get(status, {})}
        if int(status) < 400 and operation["operationId"] in _TAGGED:
            headers["ETag"] = _ETAG
        if status == "202" and operation["operationId"] in _LOCATED:
            headers["Location"] = _OF_STATUS["201"]["Location"]
        answer["headers"] = headers


def _page(spec: Mapping[str, Any]) -> DocsPage:
    groups: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append(_operation(method, path, operation))
    schemas = spec["components"]["schemas"]
    codes = dict(HTTP_TEXTS.values())
    codes |= {entry.name: entry.headline.format(pms="The PMS") + "." for entry in CATALOGUE.values()}
    return DocsPage(
        title=spec["info"]["title"],
        version=spec["info"]["version"],
        description=spec["info"]["description"],
        groups=tuple((tag, tuple(found)) for tag, found in groups.items()),
        shapes=tuple(_shape(name, schemas[name]) for name in sorted(schemas)),
        codes=tuple(sorted((codes | OWN_CODES).items())),
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=tuple(
            _field(
                f"{parameter['name']} ({parameter['in']})",
                parameter["schema"],
                parameter["required"],
                parameter.get("description", ""),
            )
            for parameter in operation["parameters"]
        ),
        body=_shape_name(body),
        answers=tuple(_answers(operation["responses"])),
    )


def _answers(responses: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    for status, answer in sorted(responses.items()):
        content: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
        yield status, answer["description"], _shape_name(content.get("schema", {}))


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = set(schema.get("required", ()))
    fields = tuple(
        _field(field, value, field in required, value.get("description", ""))
        for field, value in schema.get("properties", {}).items()
    )
    description = schema.get("description", "")
    if "enum" in schema:
        description = f"{description} One of: {', '.join(str(value) for value in schema['enum'])}."
    return Shape(name, description, fields)


def _field(name: str, schema: Mapping[str, Any], required: bool, description: str) -> Field:
    return Field(name, _type_text(schema), required, description, _shape_name(schema))


def _shape_name(schema: Mapping[str, Any]) -> str | None:
    """The shape a schema refers to, directly, in a list, or beside null."""
    candidates = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    candidates += [option.get("items", {}) for option in schema.get("anyOf", ())]
    for candidate in candidates:
        if "$ref" in candidate:
            return str(candidate["$ref"]).rsplit("/", 1)[-1]
    return None


def _type_text(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_type_text(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(repr(value) for value in schema["enum"])
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type_text(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")
