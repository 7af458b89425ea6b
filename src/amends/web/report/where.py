"""From what was pointed at, chosen or written to a place: a pin, a thing with a number, an address, or words."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from amends.reports import places
from amends.reports.catalogue import Category
from amends.reports.geometry import NoPlace, Outside, Position
from amends.reports.places import Asset, Places
from amends.reports.rules import clean_line
from amends.web.report.drafts import Draft

MOST = 8


@dataclass(frozen=True)
class Choice:
    """One of several places that may be meant."""

    value: str
    words: str
    lat: float = 0.0
    long: float = 0.0


@dataclass(frozen=True)
class Spot:
    """What is known of the place; where `problem` says something, the field that it belongs to is named."""

    position: Position | None = None
    address: str = ""
    asset: Asset | None = None
    choices: tuple[Choice, ...] = ()
    assets: tuple[Asset, ...] = ()
    problem: str = ""
    field: str = "where"
    kind: str = ""  # of a problem that is a question: several, unknown

    @property
    def known(self) -> bool:
        return not self.problem and (self.position is not None or bool(self.address))


def known() -> Places:
    return places.in_use(settings.AMENDS.directory)


def locate(draft: Draft, category: Category | None) -> Spot:
    """The place of a draft: the thing that was picked, else the pin, else the choice, else what was written."""
    ours = known()
    layer = category.assets if category else ""
    if (layer or category is None) and (draft.asset or draft.asset_number.strip()):
        return _thing(draft, layer, ours)
    if draft.lat.strip() or draft.long.strip():
        return _pin(draft.lat, draft.long, clean_line(draft.where, 400), ours)
    if draft.place and draft.asked == draft.where:
        return _chosen(draft, ours)
    return _written(draft, ours)


def _thing(draft: Draft, layer: str, ours: Places) -> Spot:
    wanted = draft.asset or draft.asset_number
    if found := ours.asset(wanted, layer):
        return Spot(found.position, address_at(found.position), found)
    alike = tuple(ours.assets_like(layer, wanted, MOST))
    if not alike:
        says = _("We know nothing with the number %(number)s. Leave the number empty and tell the street instead.")
        return Spot(problem=says % {"number": clean_line(wanted, 40)}, field="asset_number", kind="unknown")
    return Spot(assets=alike, problem=_("Several have a number like this: choose one."), field="asset", kind="several")


def _pin(lat: str, long: str, address: str, ours: Places) -> Spot:
    try:
        here = places.place(lat, long, settings.AMENDS.map, ours)
    except Outside:
        return Spot(problem=_("This place lies outside of the area that we look after."), field="lat")
    except NoPlace as wrong:
        return Spot(problem=_no_place(wrong), field=wrong.field if wrong.field in ("lat", "long") else "lat")
    return Spot(here, address or address_at(here))


def _no_place(wrong: NoPlace) -> str:
    if "swapped" in wrong.says:
        return _("Latitude and longitude look swapped: latitude counts from south to north.")
    return _("Latitude and longitude must be numbers of degrees such as 48.4102 and 15.6012, or both empty.")


def _chosen(draft: Draft, ours: Places) -> Spot:
    if draft.place == "written":
        return Spot(address=clean_line(draft.where, 400))
    return _pin(*_pair(draft.place), "", ours)


def _pair(text: str) -> tuple[str, str]:
    lat, _comma, long = text.partition(",")
    return lat, long


def _written(draft: Draft, ours: Places) -> Spot:
    text = clean_line(draft.where, 400)
    if not text and (spot := _pin(*_pair(draft.photo_at), "", ours)).position:
        words = _("Where the photo was taken: %(place)s") % {"place": spot.address or draft.photo_at}
        one = Choice(draft.photo_at, words)
        return Spot(choices=(one,), problem=_("Is it where the photo was taken?"), kind="several", field="place")
    if not text:
        return Spot(problem=_("Tell us where it is: a street and a number, a crossing, or a point on the map."))
    found = ours.search(text, MOST)
    if found and found[0].exact and (len(found) == 1 or found[0].address.number):
        best = found[0].address
        return _pin(str(best.position.lat), str(best.position.long), best.text, ours)
    if draft.as_written:
        return Spot(address=text)
    choices = tuple(
        Choice(f"{one.address.position.lat:.6f},{one.address.position.long:.6f}", one.address.text) for one in found
    )
    if not choices:
        says = _("Our map does not know this place. Write it in another way, or choose “as I have written it”.")
        return Spot(address=text, problem=says, kind="unknown")
    says = _("Which of these places do you mean?")
    return Spot(address=text, choices=choices, problem=says, kind="several", field="place")


def address_at(at: Position) -> str:
    """The address nearest to a point, in words; "" in the open country."""
    near = known().nearest_address(at.lat, at.long)
    return near.text if near else ""


def painted(asset: str) -> str:
    """What stands on a thing, where the map knows it; else its id."""
    found = known().asset(asset) if asset else None
    return found.number if found else asset


def things_near(category: Category | None, at: Position | None) -> list[Asset]:
    """What can be picked around a place: the lamps with their numbers, nearest first."""
    if category is None or not category.assets or at is None:
        return []
    return known().assets_near(category.assets, at.lat, at.long, 80.0, MOST)
