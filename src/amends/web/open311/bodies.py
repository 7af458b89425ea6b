"""Forms as they are posted: urlencoded or multipart, UTF-8, read up to a limit. No other body is ever parsed."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from amends.web.open311.refusing import refuse

MOST = 32 * 2**20  # bytes: some photos, or 10 MB of text written as %XX
DRAINED = 128 * 2**20  # a sender that is heard out reads our answer; one that is cut off sees a broken wire
MOST_FIELDS = 1000


@dataclass(frozen=True)
class Form:
    """What was posted: values by field in their order, and files as (field, bytes)."""

    values: Mapping[str, Sequence[str]]
    files: Sequence[tuple[str, bytes]] = ()

    def first(self, name: str) -> str:
        """The value of a field; given empty is not given."""
        return next((value for value in self.every(name)), "")

    def every(self, name: str) -> list[str]:
        """All values of a repeated field that are not empty."""
        return [value for value in self.values.get(name, ()) if value.strip()]


def read(request: HttpRequest) -> Form:
    """The form in a body; Refusal 413 where it is too large, 415 where it is none, 400 where it cannot be read."""
    raw = _bounded(request)
    if request.content_type == "multipart/form-data":
        return _multipart(request, raw)
    if request.content_type in ("application/x-www-form-urlencoded", ""):
        return _urlencoded(raw, (request.content_params or {}).get("charset", "utf-8"))
    kinds = "application/x-www-form-urlencoded or multipart/form-data"
    raise refuse(415, f"send a form: Content-Type {kinds}; other bodies are not read")


def _bounded(request: HttpRequest) -> bytes:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    length = int(declared) if declared.isdigit() else 0
    chunked = not length and "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    read = request.META["wsgi.input"].read if chunked else request.read  # Django reads nothing that has no length
    raw = read(MOST + 1) if length <= MOST else b""
    if length > MOST or len(raw) > MOST:
        _drain(read)
        raise refuse(413, f"the report is larger than {MOST // 2**20} MiB; send smaller photos")
    if len(raw) < length:
        raise refuse(400, f"the report breaks off after {len(raw)} of {length} bytes; send it again")
    return raw


def _drain(read: Callable[[int], bytes]) -> None:
    left = DRAINED
    while left > 0 and (piece := read(2**20)):
        left -= len(piece)


def _urlencoded(raw: bytes, charset: str) -> Form:
    known = _known(charset)
    text = raw.decode(known, "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=known, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise refuse(400, f"the form has more than {MOST_FIELDS} fields") from error
    return _form(pairs)


def _known(charset: str) -> str:
    try:
        "".encode(charset)
    except LookupError:
        return "utf-8"
    return charset


def _form(pairs: Sequence[tuple[str, str]], files: Sequence[tuple[str, bytes]] = ()) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Form(values, files)


def _multipart(request: HttpRequest, raw: bytes) -> Form:
    head = request.META | {"CONTENT_LENGTH": len(raw)}
    try:
        posted, sent = MultiPartParser(head, io.BytesIO(raw), [_InMemory(request)], "utf-8").parse()
    except RequestDataTooBig as error:
        raise refuse(400, "the text of the report is too long; a description has at most 4,000 characters") from error
    except (TooManyFieldsSent, TooManyFilesSent) as error:
        raise refuse(400, "the form has too many fields or files") from error
    except (MultiPartParserError, SuspiciousOperation, ValueError) as error:
        raise refuse(400, "the multipart form cannot be read; nothing was taken") from error
    values = {name: [str(value) for value in posted.getlist(name)] for name in posted}
    files = [(name, file.read()) for name, listed in sent.lists() for file in listed]
    return Form(values, [(name, data) for name, data in files if data])


class _InMemory(MemoryFileUploadHandler):
    """Files stay in memory: the body is bounded and has been read."""

    def handle_raw_input(self, *args: object, **more: object) -> None:
        self.activated = True
