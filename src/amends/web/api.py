"""The JSON API beside the intake doors: quarantine and recoveries, described as OpenAPI 3.1."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import ConfigDict

import amends.outbox.queries
import amends.recoveries.queries
import amends.signals.queries
import amends.signals.steps
from amends.web import coupons, keys
from amends.web.problems import Problem

api = NinjaAPI(
    title="amends",
    version="1",
    description="Everything beside the intake doors.",
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
api.add_router("/coupons", coupons.router)


class Mended(Schema):
    """An event as it should have been, as JSON or as text; without it the event is sent in again as it came."""

    model_config = ConfigDict(extra="forbid")

    event: dict[str, Any] | str = ""


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return error.response()


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return Problem(error.status_code, str(error)).response()


@api.exception_handler(ValidationError)
def _validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"pointer": "/".join(map(str, e["loc"])), "detail": e["msg"]} for e in error.errors]
    return Problem(422, "some fields cannot be", errors=errors).response()


@api.get("/quarantine", summary="What could not be read, oldest first")
def quarantine(request: HttpRequest, state: str = "waiting", after: int = 0, limit: int = 50) -> Any:
    keys.require(request, "quarantine:write")
    found = amends.signals.queries.quarantined(state, after, max(1, min(limit, 500)))
    return {"items": [vars(item) for item in found], "after": found[-1].number if found else None}


@api.get("/quarantine/{number}", summary="One of them in full")
def quarantined(request: HttpRequest, number: int) -> Any:
    keys.require(request, "quarantine:write")
    return vars(_existing(number))


@api.post("/quarantine/{number}/resend", summary="Send it in again, mended or as it came")
def resend(request: HttpRequest, number: int, mended: Mended | None = None) -> Any:
    keys.require(request, "quarantine:write")
    _existing(number)
    wrong = amends.signals.steps.resend(number, _text(mended), "API", datetime.now(UTC))
    if wrong:
        raise Problem(422, f"still not right: {wrong}")
    return vars(_existing(number))


@api.post("/quarantine/{number}/dismiss", summary="Nothing is to be done; it stays on record")
def dismiss(request: HttpRequest, number: int) -> Any:
    keys.require(request, "quarantine:write")
    _existing(number)
    amends.signals.steps.dismiss(number, "API", datetime.now(UTC))
    return vars(_existing(number))


def _text(mended: Mended | None) -> str:
    event = mended.event if mended else ""
    try:
        return event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise Problem(422, f"event: {error}") from error


def _existing(number: int) -> Any:
    item = amends.signals.queries.quarantined_one(number)
    if item is None:
        raise Problem(404, f"no {number} in the quarantine")
    return item


@api.get("/recoveries/{recovery_id}", summary="One recovery: decision, acts with receipts, history")
def recovery(request: HttpRequest, recovery_id: str) -> Any:
    keys.require(request, "read")
    found = amends.recoveries.queries.one(recovery_id)
    if found is None:
        raise Problem(404, f"no recovery {recovery_id}")
    acts = amends.outbox.queries.acts_of([recovery_id]).get(recovery_id, [])
    return {
        "recovery_id": found.recovery_id,
        "failure_id": found.failure_id,
        "customer_id": found.customer_id,
        "state": found.state,
        "decision": amends.recoveries.queries.decision_to_json(found.decision),
        "acts": [{"key": act.key, "kind": act.kind, "state": act.state, "ref": act.ref} for act in acts],
        "history": [vars(move) for move in amends.recoveries.queries.history(recovery_id)],
    }


def docs(request: HttpRequest) -> HttpResponse:
    """The API as a page: no scripts, nothing from elsewhere."""
    schema = api.get_openapi_schema(path_prefix="/v1/")
    operations = [
        {"method": method, "path": path, "body": _fields(schema, operation)} | operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "front/docs.html", {"api": schema, "operations": operations})


def _fields(schema: Any, operation: Any) -> list[tuple[str, str]]:
    """What the JSON body of an operation may hold: names, and of which kinds they may be."""
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = [one["$ref"].rsplit("/", 1)[-1] for one in (media, *media.get("anyOf", ())) if "$ref" in one]
    fields = {} if not named else schema["components"]["schemas"][named[0]]["properties"]
    return [
        (name, " or ".join(one.get("type", "") for one in told.get("anyOf", [told]))) for name, told in fields.items()
    ]
