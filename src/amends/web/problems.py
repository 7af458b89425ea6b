"""Errors of the API as RFC 9457 problem details: what went wrong, and what to do."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse


class Problem(Exception):
    """An answer that is not what was asked for; becomes application/problem+json."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    def response(self) -> HttpResponse:
        body = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        body |= {"detail": self.detail} | self.more
        return HttpResponse(
            json.dumps(body), status=self.status, content_type="application/problem+json", headers=self.headers
        )
