"""The OpenAPI document says what the code does, and people can read it without loading anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from flask import Flask

from pmsapp.api import contract
from pmsapp.schemas.problem import Problem
from tests.api.conftest import API


def document(api: API) -> dict[str, Any]:
    answer = api.get("/api/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def test_the_document_is_openapi_3_1(api: API) -> None:
    spec = document(api)
    assert re.fullmatch(r"3\.1\.\d+", spec["openapi"])
    assert spec["info"]["title"] == "pmsapp"
    assert set(spec["components"]["securitySchemes"]) == {"token", "session"}
    assert spec["security"] == [{"token": []}, {"session": []}]


def test_every_call_is_in_the_document(app: Flask, api: API) -> None:
    spec = document(api)
    served = {
        (re.sub(r"<(?:id:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api_docs")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, calls in spec["paths"].items() for method in calls}
    assert described == served


def test_every_reference_leads_somewhere(api: API) -> None:
    spec = document(api)
    schemas = spec["components"]["schemas"]
    references = {node["$ref"] for node in walk(spec) if "$ref" in node}
    assert references <= {f"#/components/schemas/{name}" for name in schemas}


def test_every_call_has_an_id_a_summary_and_its_refusals(api: API) -> None:
    ids = []
    for calls in document(api)["paths"].values():
        for method, call in calls.items():
            ids.append(call["operationId"])
            assert call["summary"].endswith(".")
            assert len(call["tags"]) == 1
            assert {"401", "403", "422", "429"} <= set(call["responses"])
            assert ("requestBody" in call) <= (method in {"post", "put", "patch", "delete"})
            for status, answer in call["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]
    assert len(ids) == len(set(ids))


def test_bodies_that_come_in_are_closed(api: API) -> None:
    spec = document(api)
    for calls in spec["paths"].values():
        for call in calls.values():
            schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema:
                name = schema["$ref"].rsplit("/", 1)[-1]
                assert spec["components"]["schemas"][name]["additionalProperties"] is False


def test_no_shape_that_goes_out_has_a_secret(api: API) -> None:
    schemas = document(api)["components"]["schemas"]
    for name, schema in schemas.items():
        if name in {"ConnectionCreate", "ConnectionChange"}:
            continue
        for field in schema.get("properties", {}):
            assert not re.search(r"secret|password|sealed|token$|hash", field), f"{name}.{field}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= given.keys()
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "link":
            self.loads.append(given.get("href", ""))


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(api: API) -> None:
    answer = api.get("/api/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = _Page()
    page.feed(answer.get_data(as_text=True))
    assert not page.tags & {"script", "style", "iframe", "img"}
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
    assert all(link.startswith("/") and not link.startswith("//") for link in page.loads)
    assert len(page.ids) == len(set(page.ids))
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)


def test_every_code_that_an_error_names_is_explained(api: API) -> None:
    text = api.get("/api/docs").get_data(as_text=True)
    for answer in (api.get("/api/nothing"), api.post("/api/pms/connections"), api("PUT", "/api/clinicians")):
        assert f'id="{answer.json["code"]}"' in text
        assert answer.json["type"] == f"/api/docs#{answer.json['code']}"


def test_the_schema_of_a_model_that_every_call_names_is_made_once() -> None:
    adapter = contract._tree.model_adapter
    first, second = (
        adapter.json_schema(Problem, ref_template="#/components/schemas/{model}", mode="serialization")
        for _ in range(2)
    )
    assert first is second
