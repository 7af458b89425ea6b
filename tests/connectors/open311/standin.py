"""A STAND-IN for another body's GeoReport server: it misbehaves on demand, and keeps what it was sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from amends.testing import StandIn, StandInReply, StandInRequest

KEY = "far-s1de-key"
AT = "2026-11-24T12:00:05Z"
ITEMS = {"services": "service", "service_requests": "request", "service_request_updates": "request_update"}
ITEMS |= {"attributes": "attribute", "errors": "error"}


class FarSide(StandIn):
    """A server of the standard, no more: it knows no keys, lists what it took, and tells tokens for batch services."""

    form = "json"

    def __init__(self, hang_s: float = 5.0) -> None:
        super().__init__(hang_s)
        self.types = {"lamp": "realtime", "17": "realtime", "sofa": "batch", "noise": "blackbox"}
        self.lists = True  # False: it keeps new requests back
        self.echoes = True  # False: it tells no words
        self.page_size = 1000
        self.updates: list[dict[str, Any]] | None = None  # None: it knows no updates
        self.tokens: dict[str, str] = {}
        self.status: dict[str, dict[str, Any]] = {}

    def key_of(self, request: StandInRequest) -> str:
        return request.headers.get("idempotency-key", "")

    def handle(self, request: StandInRequest) -> StandInReply:
        path = request.path.removesuffix(f".{self.form}")
        assert path != request.path, "a resource without its format was asked for"
        return self._post(request) if request.method == "POST" else self._get(path, request)

    def _post(self, request: StandInRequest) -> StandInReply:
        form = parse_qs(request.body.decode())
        said = {name: values[0] for name, values in form.items()}
        if said.get("api_key") != KEY:
            return self._fault(403, "api_key is not known")
        code = said.get("service_code", "")
        if code not in self.types:
            return self._fault(404, "service_code is not known here")
        with self.lock:
            number = f"SR:{len(self.journal) + 1}"
            self.effect(self.key_of(request), number=number, code=code, form=form, said=said)
        if self.types[code] == "batch":
            self.tokens.setdefault(f"T{number}", "")
            return self._list("service_requests", [{"token": f"T{number}"}])
        told = {} if self.types[code] == "blackbox" else {"service_request_id": number}
        return self._list("service_requests", [told | {"service_notice": None, "account_id": None}])

    def _get(self, path: str, request: StandInRequest) -> StandInReply:
        query = request.query
        page = int(query.get("page", "1"))
        cut = slice((page - 1) * self.page_size, page * self.page_size)
        if path == "/services":
            rows = [
                {"service_code": code, "service_name": code, "metadata": code == "lamp", "type": kind}
                for code, kind in self.types.items()
            ]
            return self._list("services", rows)
        if path == "/services/lamp":
            asked = [
                {"variable": True, "code": "fault", "datatype": "singlevaluelist", "required": False},
                {"variable": True, "code": "around", "datatype": "multivaluelist", "required": False},
            ]
            return self._reply(200, {"service_code": "lamp", "attributes": asked}, "service_definition")
        if path == "/requests" and "service_request_id" in query:
            wanted = query["service_request_id"].split(",")
            return self._list("service_requests", [row for row in self._rows() if row["service_request_id"] in wanted])
        if path == "/requests":
            code = query["service_code"]
            assert query["start_date"].endswith("Z")
            listed = [row for row in self._rows() if row["service_code"] == code] if self.lists else []
            return self._list("service_requests", listed[cut])
        if path.startswith("/requests/"):
            found = [row for row in self._rows() if row["service_request_id"] == path.removeprefix("/requests/")]
            return self._list("service_requests", found) if found and self.lists else self._fault(404, "not known")
        if path.startswith("/tokens/") and (token := path.removeprefix("/tokens/")) in self.tokens:
            row = {"service_request_id": self.tokens[token] or None, "token": token}
            return self._list("service_requests", [row])
        if path == "/servicerequestupdates" and self.updates is not None:
            return self._list("service_request_updates", self.updates[cut])
        return self._fault(404, "there is nothing here")

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {
                "service_request_id": one["number"],
                "status": "open",
                "service_code": one["code"],
                "description": one["said"]["description"] if self.echoes else None,
                "requested_datetime": AT,
                "lat": float(one["said"].get("lat", "0")),
                "long": float(one["said"].get("long", "0")),
                "address": one["said"].get("address_string"),
            }
            | self.status.get(one["number"], {})
            for one in self.journal
        ]

    def _list(self, root: str, rows: list[dict[str, Any]]) -> StandInReply:
        return self._reply(200, rows, root)

    def _fault(self, status: int, says: str) -> StandInReply:
        return self._reply(status, [{"code": status, "description": says}], "errors")

    def _reply(self, status: int, body: Any, root: str) -> StandInReply:
        return StandInReply(status, body)


class FarSideInXml(FarSide):
    form = "xml"

    def _reply(self, status: int, body: Any, root: str) -> StandInReply:
        text = f'<?xml version="1.0" encoding="utf-8"?><{root}>{written(body, root)}</{root}>'
        return StandInReply(status, text.encode(), {"Content-Type": "text/xml; charset=utf-8"})


def written(value: Any, name: str) -> str:
    """A value as XML."""
    if isinstance(value, list):
        return "".join(f"<{ITEMS[name]}>{written(each, name)}</{ITEMS[name]}>" for each in value)
    if isinstance(value, dict):
        return "".join(f"<{key}>{written(each, key)}</{key}>" for key, each in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else escape(str(value))
