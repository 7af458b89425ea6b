"""A GeoReport client that knows the standard and nothing of our server: HTTP in, rows out."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import httpx

LISTS = {
    *("services", "attributes", "values", "service_requests", "errors", "endpoints", "formats", "groups", "notes"),
    *("photos", "service_request_updates"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
FORMS = ("xml", "json")
PIN = {"lat": "48.41", "long": "15.61"}


def spark(element: ElementTree.Element) -> Any:
    """XML as JSON, by the Spark convention."""
    if element.tag in LISTS:
        return [spark(child) for child in element]
    if len(element):
        return {child.tag: spark(child) for child in element}
    return element.text


class Client:
    """One endpoint, asked in XML and JSON."""

    def __init__(self, base: str, key: str) -> None:
        self.base, self.key = base, key
        self.wire = httpx.Client(timeout=30)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.wire.get(f"{self.base}/{path}", params=params)

    def rows(self, path: str, **params: Any) -> Any:
        """What a resource says, from either format; it must answer 200."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text[:500]
        return read(answer)

    def requests(self, form: str = "json", **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rows(f"requests.{form}", **params)
        return found

    def ids(self, **params: Any) -> list[str]:
        return [row["service_request_id"] for row in self.requests(**params)]

    def one(self, number: str, form: str = "json", **params: Any) -> dict[str, Any]:
        (found,) = self.rows(f"requests/{number}.{form}", **params)
        return dict(found)

    def post(self, form: str = "json", path: str = "requests", files: Any = None, **data: Any) -> httpx.Response:
        """A report with key, service, place and words unless others are given; None leaves a field out."""
        known = {"api_key": self.key, "service_code": "pothole", "description": word(), **PIN}
        body = {name: value for name, value in (known | data).items() if value is not None}
        return self.wire.post(f"{self.base}/{path}.{form}", data=body, files=files)

    def report(self, **data: Any) -> str:
        """A new report's id."""
        answer = self.post(**data)
        assert answer.status_code == 200, answer.text[:500]
        return str(answer.json()[0]["service_request_id"])

    def update(self, number: str, form: str = "json", **data: Any) -> httpx.Response:
        known = {"api_key": self.key, "update_id": word(), "updated_datetime": stamp(), "status": "OPEN"}
        known |= {"service_request_id": number, "description": word()}
        body = {name: value for name, value in (known | data).items() if value is not None}
        return self.wire.post(f"{self.base}/servicerequestupdates.{form}", data=body)


def read(answer: httpx.Response) -> Any:
    if "json" in answer.headers["content-type"]:
        return answer.json()
    return spark(ElementTree.fromstring(answer.content))


def faults(answer: httpx.Response) -> list[dict[str, Any]]:
    """The errors of an answer, which must be some, each with a number and words."""
    found: list[dict[str, Any]] = read(answer)
    assert isinstance(found, list)
    assert found
    for fault in found:
        assert int(fault["code"]) >= 400
        assert len(fault["description"]) > 3
    return found


def word() -> str:
    return f"check {uuid.uuid4().hex}"


def stamp(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    assert MOMENT.fullmatch(text), text
    return datetime.fromisoformat(text)
