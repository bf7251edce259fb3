"""The OpenAPI document is that of the API: schemathesis asks for what it promises, and for what it does not."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.control.api import ROUTES
from bench.control.errors import CODES
from bench.control.openapi import document
from tests.bench.control.conftest import Bench

schemathesis = pytest.importorskip("schemathesis")


def test_every_route_and_code_is_in_it():
    """Each route has its operation with an id of its own; each code of a refusal is one of the list."""
    made = document(ROUTES, "http://127.0.0.1:1")
    assert made["openapi"] == "3.1.0"
    assert sum(len(methods) for methods in made["paths"].values()) == len(ROUTES)
    ids = [operation["operationId"] for methods in made["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    assert set(made["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]) == set(
        CODES
    )


def test_it_is_valid_openapi():
    """The document's own schemas are valid JSON Schema 2020-12, and every reference leads somewhere."""
    import jsonschema

    made = document(ROUTES)
    schemas = made["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)

    def refs(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for inner in node.values():
                yield from refs(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from refs(inner)

    for ref in refs(made):
        assert ref.removeprefix("#/components/schemas/") in schemas


def must_keep_to(strategy: Any, checks: list[Any], headers: dict[str, str]) -> int:
    """Ask some of the requests that schemathesis makes up for one operation; tells how many."""
    asked = 0

    @given(st.data())
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(data: Any) -> None:
        nonlocal asked
        case = data.draw(strategy)
        if isinstance(case.query, dict):
            case.query.pop("wait", None)
        response = case.call(headers=headers, timeout=60)
        asked += 1
        case.validate_response(response, checks=checks)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask()
    return asked


def test_the_running_api_keeps_to_it(bench: Bench):
    """Generated requests, good and bad ones: no 500, no status, type or shape that the document does not name."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi import checks as promised

    checks = [
        not_a_server_error,
        promised.status_code_conformance,
        promised.content_type_conformance,
        promised.response_schema_conformance,
        promised.negative_data_rejection,
    ]
    headers = {"Authorization": f"Bearer {bench.token}"}
    schema = schemathesis.openapi.from_url(f"{bench.control.url}/v1/openapi.json", headers=headers)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        asked += must_keep_to(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), checks, headers)
        if operation.body:
            asked += must_keep_to(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), checks, headers)
    assert asked > 60
