"""Static files of the package, made small once in each process for browsers that take gzip."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

WORTH_IT = 600  # bytes; less is as large when it is packed
PACKED = ("text/", "image/svg+xml", "application/json")


class Statics(WhiteNoiseMiddleware):  # type: ignore[misc]  # it comes without types
    """Whitenoise, packing texts in memory: no packed copies lie beside the files, where they could grow old."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        plain: HttpResponseBase = WhiteNoiseMiddleware.serve(static_file, request)
        if plain.status_code != 200 or not _wanted(plain, request):
            return plain
        body = _packed(str(static_file.alternatives[-1][1]), plain.headers.get("ETag", ""))
        plain.close()
        packed = HttpResponse(body if request.method == "GET" else b"")
        sent = {"Content-Encoding": "gzip", "Content-Length": str(len(body)), "Vary": "Accept-Encoding"}
        for name, value in {**dict(plain.headers.items()), **sent}.items():
            packed.headers[name] = value
        return packed


def _wanted(plain: HttpResponseBase, request: HttpRequest) -> bool:
    takes = "gzip" in request.headers.get("Accept-Encoding", "") and not request.headers.get("Range")
    text = plain.headers.get("Content-Type", "").startswith(PACKED)
    return takes and text and int(plain.headers.get("Content-Length", "0")) >= WORTH_IT


@lru_cache(200)
def _packed(path: str, version: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
