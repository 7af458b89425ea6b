"""The public doors as people of the town use them: Open311, forms, a crew's link, the desk, mails and their links."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from amends.scenarios.demo_mailbox import DemoMailbox

PATIENCE_S = 150.0
GOING_ON = ("due", "trying", "unknown", "on its way")


class Shut(RuntimeError):
    """A door did not answer as the story needs it."""


class Doors:
    """One client for all of them."""

    def __init__(self, url: str, key: str, box: DemoMailbox, var: Path) -> None:
        self.url, self.key, self.box, self.var = url, key, box, var
        self.web = httpx.Client(base_url=url, timeout=60)
        self.desk = httpx.Client(base_url=url, timeout=60, headers={"referer": f"{url}/desk/"})

    # Open311: the town's app and its contractors

    def report(self, fields: Mapping[str, str], photo: bytes | None = None) -> int:
        files = {"media": ("photo.jpg", photo, "image/jpeg")} if photo else None
        spoken = {"locale": fields.get("locale", "en")}
        data = {"api_key": self.key, **fields}
        reply = self.web.post("/open311/v2/requests.json", params=spoken, data=data, files=files)
        return int(_rows(reply)[0]["service_request_id"])

    def update(self, number: int, status: str, words: str, at: str, mark: str) -> None:
        said = {"service_request_id": str(number), "status": status, "description": words, "updated_datetime": at}
        data = {"api_key": self.key, "update_id": mark, **said}
        _rows(self.web.post("/open311/v2/servicerequestupdates.json", data=data))

    # The town's own people

    def sign_in(self, operator: str, password: str) -> None:
        page = self.desk.get("/desk/sign-in")
        form = {"username": operator, "password": password, "csrfmiddlewaretoken": _hidden(page, "csrfmiddlewaretoken")}
        _moved(self.desk.post("/desk/sign-in", data=form))

    def at_desk(self, path: str, **form: str) -> None:
        """What an operator's form does."""
        _moved(self.desk.post(path, data={"csrfmiddlewaretoken": self.desk.cookies["csrftoken"], **form}))

    def crew_link(self, crew: str) -> str:
        """The path of a crew's secret link, made anew at the desk."""
        self.at_desk("/desk/reports/crews/link", crew=crew, do="renew")
        found = re.findall(r"/crew/[^\s\"<]+", unescape(self.desk.get("/desk/reports/crews").text))
        return str(next(link for link in found if f".{crew}~" in link))

    def crew(self, link: str, number: int, do: str, words: str, photo: bytes | None = None) -> None:
        files = {"photo": ("photo.jpg", photo, "image/jpeg")} if photo else None
        _moved(self.web.post(f"{link}/{number}", data={"do": do, "words": words}, files=files))

    # Residents

    def answer(self, link: str, said: str, words: str = "") -> None:
        """Answer "Is it mended for you?" on one's own page."""
        page = self.web.get(link)
        form = {"do": "answer", "answer": said, "words": words, "round": _hidden(page, "round")}
        _moved(self.web.post(link, data=form))

    def by_form(self, **form: str) -> str:
        """A report by the form on the map; the address of the page that says by when."""
        return _moved(self.web.post("/report", data={"go": "send", **form}))

    def me_too(self, number: int, email: str) -> None:
        page = self.web.get(f"/reports/{number}/me-too")
        _moved(self.web.post(f"/reports/{number}/me-too", data={"form": _hidden(page, "form"), "email": email}))

    def mails(self, to: str) -> list[EmailMessage]:
        return [mail for mail in self.box.mails() if to in str(mail["To"])]

    def asked(self, to: str) -> str:
        """The path of the own page that the latest mail with the question leads to."""
        texts = [body.get_content() for mail in self.mails(to) if (body := mail.get_body(("plain",)))]
        found = [match[1] for text in texts if (match := re.search(r"(/yours/[^\s?]+)\?answer=yes", text))]
        if not found:
            raise Shut(f"nobody has asked {to} whether it is mended")
        return str(found[-1])

    # Patience

    def settled(self, since: float, *, mails: bool) -> None:
        """Until the worker finds nothing more to do; with `mails` also until what it wrote has gone out."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self._idle_since(since):
                if not mails or not self._going_on():
                    return
                since = time.time()
            time.sleep(0.03)
        raise Shut(f"the worker did not come to rest within {PATIENCE_S:g} s")

    def _idle_since(self, since: float) -> bool:
        try:
            return (self.var / "story-idle").stat().st_mtime > since
        except FileNotFoundError:
            return False

    def _going_on(self) -> bool:
        counts = dict(re.findall(r'amends_acts{state="([^"]+)"} (\d+)', self.web.get("/metrics").text))
        return any(int(counts.get(state, 0)) for state in GOING_ON)

    def close(self) -> None:
        self.web.close()
        self.desk.close()


def _rows(reply: httpx.Response) -> list[dict[str, Any]]:
    if reply.status_code not in (200, 201):
        raise Shut(f"{reply.request.url.path} answered {reply.status_code}: {reply.text[:400]}")
    found: list[dict[str, Any]] = reply.json()
    return found


def _moved(reply: httpx.Response) -> str:
    """Where a form led; whatever is not taken is answered with the form again."""
    if reply.status_code not in (302, 303):
        raise Shut(f"{reply.request.url.path} answered {reply.status_code}: {_said(reply.text)}")
    return str(reply.headers["location"])


def _said(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())[:400]


def _hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    if not found:
        raise Shut(f"{page.request.url.path} has no field {name}: {_said(page.text)}")
    return unescape(found[1])
