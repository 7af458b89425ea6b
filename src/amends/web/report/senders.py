"""Who sends: the network address to count by, whether another site made the browser send, and the same form again."""

from __future__ import annotations

from ipaddress import ip_address

from django.http import HttpRequest

from amends.ground.ids import derive


def address(request: HttpRequest) -> str:
    """The network address of who asks.

    Where the connection comes from this machine or a private network, a proxy of ours stands there, and the last
    address that it was told of is the one that asked it.
    """
    near = str(request.META.get("REMOTE_ADDR", ""))
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return told if told and _is_ours(near) and _is_address(told) else near


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_ours(text: str) -> bool:
    return _is_address(text) and (ip_address(text).is_private or ip_address(text).is_loopback)


def from_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of another site sent this form; old browsers do not say, and are let in."""
    return request.headers.get("Sec-Fetch-Site", "") == "cross-site"


def once(request: HttpRequest, what: str, *whose: str) -> str:
    """What makes an impatient phone's second try the same as its first: the page's mark and all that was filled in."""
    files = [(file.name, file.size) for file in request.FILES.getlist("photo")]
    said = (request.POST.get(name, "") for name in ("form", "do", "words", "to", "note", "for"))
    return f"{what}:{derive(what, *whose, *said, repr(files))}"


def marked(request: HttpRequest, what: str, *whose: str) -> str | None:
    """The same; None where the page had no mark, so that every try counts."""
    return once(request, what, *whose) if request.POST.get("form") else None
