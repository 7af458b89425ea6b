"""The form by which somebody asks to follow: read, checked, and the place searched where it is an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from amends.reports import categories, moderation, places
from amends.reports.catalogue import Catalogue
from amends.reports.follows import RADII_M, What, Wish
from amends.reports.geometry import Area, NoPlace, Position
from amends.reports.rules import clean_line

MOST_CHOICES = 8
FIELDS = ("what", "where", "at", "lat", "long", "radius", "category", "area", "email")


@dataclass
class Form:
    """What was filled in, and what is wrong with it, by field."""

    what: str = ""
    where: str = ""
    at: str = ""  # one of the places found, as "lat,long"
    lat: str = ""
    long: str = ""
    radius: str = "500"
    category: str = ""
    area: str = ""
    email: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)  # places found for `where`: value and words
    wrong: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, given: QueryDict) -> Form:
        form = cls()
        for name in FIELDS:
            if name in given:
                setattr(form, name, clean_line(str(given[name]), 400))
        return form

    def wish(self) -> Wish | None:
        """What is to be followed; None where something is wrong."""
        kinds = {What.PLACE: self._place, What.CATEGORY: self._category, What.AREA: self._area}
        found = kinds[What(self.what)]() if self.what in list(kinds) else self._nothing()
        self.check_email()
        return found if not self.wrong else None

    def check_email(self) -> None:
        try:
            validate_email(self.email)
            too_long = len(self.email) > 254
        except ValidationError:
            too_long = True
        if too_long:
            self.wrong["email"] = _("Write a mail address such as name@example.org.")

    def _nothing(self) -> Wish | None:
        self.wrong["what"] = _("Choose what you want to follow.")
        return None

    def _category(self) -> Wish | None:
        if self.category in catalogue().categories:
            return Wish(What.CATEGORY, category=self.category)
        self.wrong["category"] = _("Choose a category.")
        return None

    def _area(self) -> Wish | None:
        if self.area in {area.code for area in areas()}:
            return Wish(What.AREA, area=self.area)
        self.wrong["area"] = _("Choose an area.")
        return None

    def _place(self) -> Wish | None:
        radius = int(self.radius) if self.radius in map(str, RADII_M) else 0
        if not radius:
            self.wrong["radius"] = _("Choose a distance.")
        found = self._position()
        if found is None or not radius:
            return None
        here, words = found
        return Wish(What.PLACE, lat=round(here.lat, 6), long=round(here.long, 6), radius_m=radius, place=words[:200])

    def _position(self) -> tuple[Position, str] | None:
        """The pin, else the place that was chosen, else the one that the words can only mean."""
        known = places.in_use(settings.AMENDS.directory)
        lat, long, words = (self.lat, self.long, "") if self.lat or self.long else self._searched(known)
        if not (lat or long):
            return None
        try:
            here = places.place(lat, long, settings.AMENDS.map, known)
        except NoPlace:
            self.wrong["lat" if self.lat or self.long else "where"] = _(
                "This is no place that we look after. Latitude and longitude are degrees such as 48.4102 and 15.6012."
            )
            return None
        near = None if words else known.nearest_address(here.lat, here.long)
        return here, words or (near.text if near else "")

    def _searched(self, known: places.Places) -> tuple[str, str, str]:
        found = [one.address for one in known.search(self.where, MOST_CHOICES)] if self.where else []
        named = {f"{one.position.lat:.6f},{one.position.long:.6f}": one.text for one in found}
        chosen = self.at if self.at in named else next(iter(named)) if len(named) == 1 else ""
        if not chosen:
            self.choices = list(named.items())
            self.wrong["at" if named else "where"] = (
                _("Which of these places do you mean?")
                if named
                else _("Our map does not know this place. Write the street and the number, or give coordinates.")
            )
            return "", "", ""
        lat, _comma, long = chosen.partition(",")
        return lat, long, named[chosen]


def catalogue() -> Catalogue:
    return categories.in_use(settings.AMENDS.directory)


def areas() -> tuple[Area, ...]:
    """The areas of the map, each code once, by name."""
    found = {area.code: area for area in places.in_use(settings.AMENDS.directory).areas().areas}
    return tuple(sorted(found.values(), key=lambda area: area.name or area.code))


def network(request: HttpRequest) -> str:
    """The mark of the network address that asks; a proxy on this machine is believed whom it speaks for."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    try:
        behind_proxy = ip_address(address).is_loopback
    except ValueError:
        behind_proxy = True
    spoken_for = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return moderation.mark(spoken_for if behind_proxy and spoken_for else address)
