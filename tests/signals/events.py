"""Events as a company's systems send them."""

from __future__ import annotations

from typing import Any


def event(type_: str, number: int = 1, **data: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "source": "/shop", "specversion": "1.0", "type": f"com.amends.{type_}", "data": data}


def playback(number: int = 1, **changes: Any) -> dict[str, Any]:
    data = {"session_id": f"s{number}", "customer_id": "ada", "title": "Film", "product": "rental", "price_minor": 499}
    return event("playback.started", number, **(data | {"currency": "EUR"} | changes))


def failure(number: int = 1, **changes: Any) -> dict[str, Any]:
    data = {"customer_id": "ada", "promise": "film-plays", "subject": f"s{number}"}
    return event("failure.observed", number, **(data | {"started_at": "2026-11-20T20:15:00Z"} | changes))
