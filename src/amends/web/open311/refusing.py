"""What keeps a request from being answered: everything at once, in words for the end user's eyes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse

from amends.web.open311.writing import answer


@dataclass(frozen=True)
class Fault:
    code: int  # as the HTTP status, or finer
    says: str


@dataclass
class Refusal(Exception):
    """An answer that is not what was asked for: GeoReport's list of errors."""

    faults: Iterable[Fault]
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, form: str) -> HttpResponse:
        rows = [{"code": fault.code, "description": fault.says} for fault in self.faults]
        return answer("errors", rows, form, self.status, self.headers)


def refuse(status: int, says: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """One fault as a refusal."""
    return Refusal([Fault(status, says)], status, headers or {})


def all_of(faults: Iterable[Fault]) -> Refusal:
    """Several faults as one refusal: what does not exist weighs more than what is wrong."""
    found = list(faults)
    return Refusal(found, 404 if any(fault.code == 404 for fault in found) else 400)
