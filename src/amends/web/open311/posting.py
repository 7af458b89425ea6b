"""A report by GeoReport: checked whole, taken once however often it is sent, answered with an id or a token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from amends.ground import clock
from amends.reports import album, locating, moderation, places, queries, steps
from amends.reports.answers import Answers, check_answers
from amends.reports.catalogue import Category, Kind, in_language
from amends.reports.geometry import NoPlace, Position
from amends.reports.photos import NoPhoto
from amends.reports.records import Intake, Refused, Report, Reporter
from amends.reports.rules import LONGEST, clean, clean_line, web_address
from amends.web.open311 import bodies, entering
from amends.web.open311.bodies import Form
from amends.web.open311.entering import Sender
from amends.web.open311.refusing import Fault, all_of, refuse
from amends.web.open311.services import catalogue, locale, offered
from amends.web.open311.writing import answer

ATTRIBUTE = re.compile(r"attribute\[([^\[\]]+)\](?:\[[^\[\]]*\])?")
REPEAT_S = 600  # the same report of the same person within so long is a repeat
MOST_URLS = 10
NOT_PINPOINTED = "#NOTPINPOINTED#"
MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


@dataclass(frozen=True)
class Where:
    lat: float | None = None
    long: float | None = None
    address: str = ""
    address_id: str = ""
    asset: str = ""


def create(request: HttpRequest, form: str) -> HttpResponse:
    """Take a report in."""
    posted = bodies.read(request)
    sender = entering.sender(request, posted, entering.WRITE)
    entering.jurisdiction(posted.first("jurisdiction_id"))
    now = clock.now()
    intake, urls = checked(posted, locale(request))
    mark = _mark(request, posted, sender)
    report = _known(mark, now) or _take(intake, urls, posted, sender, _now(mark, now), now)
    return answer("service_requests", [_told(report, locale(request))], form)


def _told(report: Report, spoken: str) -> dict[str, Any]:
    category = catalogue().categories.get(report.category)
    notice = report.notice or (in_language(category.notice, spoken) if category else "") or None
    kind = category.type if category else Kind.REALTIME
    told: dict[str, Any] = {}
    if report.token:
        told["token"] = report.token
    elif kind is not Kind.BLACKBOX:
        told["service_request_id"] = str(report.number)
    return told | {"service_notice": notice, "account_id": None}


# Checking


def checked(posted: Form, spoken: str) -> tuple[Intake, list[str]]:
    """The report as it can be taken and its media addresses; Refusal with everything that is wrong."""
    faults: list[Fault] = []
    category = _category(posted, faults)
    where = _where(posted, faults)
    answers = _answers(posted, category, spoken, faults) if category else Answers({})
    faults += map(_wrong, (*_elsewhere(category, where), *_description(posted), *_who(posted), *_files(posted)))
    urls = _media(posted, faults)
    if faults or category is None:
        raise all_of(faults)
    asked = {attribute.code: answers.values.get(attribute.code, ()) for attribute in category.attributes}
    intake = Intake(
        form="",
        category=category.code,
        description=clean(posted.first("description")),
        lat=where.lat,
        long=where.long,
        address=where.address,
        address_id=where.address_id,
        asset=where.asset,
        answers=tuple((code, values) for code, values in asked.items() if values),
        reporter=_reporter(posted, spoken),
        source="open311",
        media_url=urls[0] if urls else "",
        locale=spoken,
    )
    return intake, urls[1:]


def _wrong(says: str) -> Fault:
    return Fault(400, says)


def _category(posted: Form, faults: list[Fault]) -> Category | None:
    code = posted.first("service_code").strip()
    if not code:
        faults.append(_wrong("service_code required: say what is broken"))
        return None
    found = catalogue().categories.get(code)
    if found is None:
        faults.append(Fault(404, "service_code is not known here; services lists what is"))
    return found


def _where(posted: Form, faults: list[Fault]) -> Where:
    lat, long = posted.first("lat"), posted.first("long")
    address, address_id = clean_line(posted.first("address_string"), 400), clean_line(posted.first("address_id"))
    address_id = "" if address_id == NOT_PINPOINTED else address_id
    known = places.in_use(settings.AMENDS.directory)
    if lat or long:
        try:
            here = places.place(lat, long, settings.AMENDS.map, known)
            return Where(here.lat, here.long, address, address_id)
        except NoPlace as error:
            faults.append(_wrong(error.says))
            return Where()
    if address:
        return Where(address=address, address_id=address_id)
    if address_id and (asset := known.asset(address_id)):
        return Where(asset.position.lat, asset.position.long, address_id=address_id, asset=asset.id)
    if address_id:
        faults.append(
            _wrong("address_id is not known: no register of addresses is kept; send lat and long or address_string")
        )
    else:
        faults.append(_wrong("a location is required: lat and long, address_string or address_id"))
    return Where()


def _elsewhere(category: Category | None, where: Where) -> Iterator[str]:
    """Some things can be reported in some areas only; an address that the map does not know lies nobody knows where."""
    found = locating.of_address(where.address) if where.lat is None else None
    here = found.position if found else None if where.lat is None else Position(where.lat, where.long or 0.0)
    if category and here and not offered(category, here):
        yield f"service_code {category.code} is not offered at this place; services?lat=&long= lists what is"


def _answers(posted: Form, category: Category, spoken: str, faults: list[Fault]) -> Answers:
    """The answers to the questions of a service; what it does not ask is left aside, as other servers do."""
    given: dict[str, list[str]] = {}
    for name, values in posted.values.items():
        match = ATTRIBUTE.fullmatch(name)
        asked = match and category.attribute(match[1])
        if match and asked and asked.variable:
            given.setdefault(match[1], []).extend(values)
    found = check_answers(category, given, spoken)
    if isinstance(found, Answers):
        return found
    for problem in found:
        faults.append(_wrong(problem.says if problem.code in problem.says else f"{problem.code}: {problem.says}"))
    return Answers({})


def _description(posted: Form) -> Iterator[str]:
    text = posted.first("description")
    if len(text) > 4 * LONGEST or len(clean(text, 4 * LONGEST)) > LONGEST:
        yield f"description is longer than {LONGEST:,} characters"


def _who(posted: Form) -> Iterator[str]:
    email = posted.first("email").strip()
    if email and (len(email) > 254 or not MAIL.fullmatch(email)):
        yield "email is no mail address, such as name@example.org"
    for name in ("first_name", "last_name", "phone", "device_id", "account_id"):
        if len(posted.first(name)) > 1000:
            yield f"{name} is longer than 1,000 characters"


def _files(posted: Form) -> Iterator[str]:
    if len(posted.files) > settings.AMENDS.map.photos:
        yield f"more than {settings.AMENDS.map.photos} photos"


def _media(posted: Form, faults: list[Fault]) -> list[str]:
    urls = [url.strip() for url in posted.every("media_url")]
    if len(urls) > MOST_URLS:
        faults.append(_wrong(f"more than {MOST_URLS} addresses of media"))
    if not all(map(web_address, urls)):
        faults.append(_wrong("media_url must be an address that begins with http:// or https://"))
    return urls


def _reporter(posted: Form, spoken: str) -> Reporter:
    names = (posted.first("first_name"), posted.first("last_name"))
    return Reporter(
        name=clean_line(" ".join(filter(None, names))),
        email=clean_line(posted.first("email"), 254),
        phone=clean_line(posted.first("phone"), 60),
        locale=spoken,
        account_id=clean_line(posted.first("account_id")),
        device_id=clean_line(posted.first("device_id")),
    )


# Taking


def _take(intake: Intake, urls: Sequence[str], posted: Form, sender: Sender, form: str, now: datetime) -> Report:
    _check_sender(intake.reporter, sender, now)
    photos = [_photo(data, now) for _, data in posted.files]
    try:
        report = steps.receive(replace(intake, form=form, photos=photos), now)
        for url in urls:
            steps.move(report.number, report.state, who=steps.REPORTER, now=now, media_url=url)
    except Refused as error:
        raise refuse(400, str(error)) from error
    return report


def _check_sender(who: Reporter, sender: Sender, now: datetime) -> None:
    """Nothing is taken from who was banned; a flood from one mail address or device is dammed, but for gateways."""
    judge = moderation.banned if sender.unlimited else moderation.refuse
    said = judge(who.email, f"device {who.device_id}" if who.device_id else "", now=now)
    if said is not None:
        many = "more than" in said
        raise refuse(429 if many else 403, said, {"Retry-After": "3600"} if many else None)


def _photo(data: bytes, now: datetime) -> str:
    try:
        return album.take(data, kind="before", who=steps.REPORTER, now=now)
    except NoPhoto as error:
        raise refuse(400, f"media: {error}") from error


def _mark(request: HttpRequest, posted: Form, sender: Sender) -> str:
    """What makes a report the same one when it is sent again; empty where nothing can tell.

    A key of its own (Idempotency-Key) tells for sure. Else the same words about the same place by the same person or
    device do, and for programs of people (keys with a limit) also where nobody said who they are.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if key:
        return f"open311-{_digest(sender.mark, key)}"
    who = ("email", "phone", "device_id", "account_id")
    if sender.unlimited and not any(posted.first(name) for name in who):
        return ""
    content = sorted((name, tuple(values)) for name, values in posted.values.items() if name != "api_key")
    files = [hashlib.sha256(data).hexdigest() for _, data in posted.files]
    return f"open311-{_digest(sender.mark, repr((content, files)))}-"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def _known(mark: str, now: datetime) -> Report | None:
    """The report that this is a repeat of: of this stretch of time or the one before."""
    if not mark:
        return None
    before = f"{mark}{int(now.timestamp() // REPEAT_S) - 1}" if mark.endswith("-") else mark
    return queries.by_form(before) or queries.by_form(_now(mark, now))


def _now(mark: str, now: datetime) -> str:
    return f"{mark}{int(now.timestamp() // REPEAT_S)}" if mark.endswith("-") else mark
