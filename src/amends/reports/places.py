"""`places/*.geojson`: what the map knows: streets, addresses, areas and things with numbers, as the files say today."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NoReturn

from amends.ground.config import Map
from amends.ground.kept import Kept
from amends.ground.marked import Mistake
from amends.reports import addresses, layers
from amends.reports.addresses import Address, AddressBook, Found, fold
from amends.reports.geometry import Area, Areas, Box, NoPlace, Outside, Position, box, distance_m, position
from amends.reports.layers import Feature, Layer

__all__ = ["Address", "Asset", "Found", "OnStreet", "Places", "in_use", "place", "read", "read_all"]
FOLDER: Final = "places"
NEAR_ADDRESS_M: Final = 150.0
NEAR_STREET_M: Final = 60.0
SAME_HOUSE_M: Final = 150.0  # maps know a house by each of its entries


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing of ours that can be pointed at: a lamp with its number."""

    id: str
    layer: str
    number: str  # as painted on it
    position: Position
    text: str = ""  # its name, or the street it stands in
    metres: float = 0.0  # from the point that was asked about


@dataclass(frozen=True, slots=True)
class OnStreet:
    """The street nearest to a point; `owner` says who keeps it, where the file says so."""

    name: str
    kind: str
    owner: str
    metres: float
    id: str


class Places:
    """All layers of one installation. Empty where it has none: then nothing is found and nothing is outside."""

    def __init__(self, found: Sequence[Layer] = ()) -> None:
        self.layers: Mapping[str, Layer] = {layer.name: layer for layer in found}

    @property
    def attribution(self) -> str:
        """Whose data it is, for the corner of the map."""
        return " · ".join(dict.fromkeys(layer.attribution for layer in self.layers.values() if layer.attribution))

    @cached_property
    def bounds(self) -> Box | None:
        """What holds every layer."""
        found = [bounds for layer in self.layers.values() if (bounds := layer.bounds)]
        if not found:
            return None
        return Box(
            *(min(each.west for each in found), min(each.south for each in found)),
            *(max(each.east for each in found), max(each.north for each in found)),
        )

    def geojson(self, layer: str, view: Box | None = None, most: int = 20_000) -> bytes:
        """A layer for the map; an empty one where there is no such layer."""
        return self.layers[layer].geojson(view, most) if layer in self.layers else layers.collection([])

    # Areas and streets

    def areas(self, layer: str = "areas") -> Areas:
        """The polygons of a layer, by their codes."""
        if layer not in self._areas:
            features = self.layers[layer].features if layer in self.layers else ()
            named = [feature for feature in features if feature.shape.geom_type in layers.POLYGONS]
            self._areas[layer] = Areas([_area(feature) for feature in named], [feature.shape for feature in named])
        return self._areas[layer]

    @cached_property
    def _areas(self) -> dict[str, Areas]:
        return {}

    def area_of(self, lat: float, long: float, buffer_m: float = 0.0) -> str | None:
        """The code of the area of a point, or of the nearest within the buffer; None where there is none."""
        found = self.areas().at(Position(lat, long), buffer_m)
        return found[0].area.code if found else None

    def street_at(self, lat: float, long: float, within_m: float = NEAR_STREET_M) -> OnStreet | None:
        """The street nearest to a point, named or not."""
        return next(self._streets_at(lat, long, within_m), None)

    def _streets_at(self, lat: float, long: float, within_m: float) -> Iterator[OnStreet]:
        layer = self.layers.get("streets")
        for near in layer.shapes.near(Position(lat, long), within_m) if layer else ():
            street = layer.features[near.index] if layer else None
            if street:
                words = (street.text("name"), street.text("kind"), street.text("owner"))
                yield OnStreet(*words, near.metres, street.id)

    # Addresses

    @cached_property
    def book(self) -> AddressBook:
        """Every house of `addresses` and every named street of `streets`."""
        return AddressBook([*self._houses, *self._named_streets()])

    @cached_property
    def _houses(self) -> list[Address]:
        layer = self.layers.get("addresses")
        return [_address(feature) for feature in layer.features] if layer else []

    def _named_streets(self) -> Iterator[Address]:
        """A street of each name, at the middle of its longest piece; in the town of its houses."""
        towns: dict[str, Address] = {}
        for house in self._houses:
            known = towns.setdefault(fold(house.street), house)
            if house.city and not known.city:
                towns[fold(house.street)] = house
        longest: dict[str, Feature] = {}
        for piece in self.layers["streets"].features if "streets" in self.layers else ():
            for name in filter(None, map(str.strip, piece.text("name").split(";"))):
                if name not in longest or piece.shape.length > longest[name].shape.length:
                    longest[name] = piece
        for name, piece in longest.items():
            town = towns.get(fold(name))
            yield Address(name, "", town.postcode if town else "", town.city if town else "", piece.position)

    def search(self, text: str, most: int = 8) -> list[Found]:
        """Addresses and streets for what somebody has typed so far, best first."""
        return self.book.search(text, most)

    def only(self, text: str) -> Address | None:
        """The one house that words can mean; None where the map has none or several, or not all of the words."""
        exact = [found.address for found in self.search(text) if found.exact]
        if len(exact) != 1 or not addresses.says(exact[0], text):
            return None
        house = exact[0]
        alike = self._by_name.get(_name(house), [])
        far = any(distance_m(house.position, other.position) > SAME_HOUSE_M for other in alike)
        return house if alike and not far else None

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str], list[Address]]:
        """Houses by what is written on them; a name that villages of one postcode share has several."""
        found: dict[tuple[str, str, str], list[Address]] = {}
        for house in self._houses:
            found.setdefault(_name(house), []).append(house)
        return found

    def nearest_address(self, lat: float, long: float, within_m: float = NEAR_ADDRESS_M) -> Address | None:
        """The house nearest to a point; else the street it lies on; None in the open country."""
        layer = self.layers.get("addresses")
        for near in layer.shapes.near(Position(lat, long), within_m, 1) if layer else ():
            house = self._houses[near.index]
            return Address(house.street, house.number, house.postcode, house.city, house.position, near.metres)
        for street in self._streets_at(lat, long, NEAR_STREET_M):
            if street.name:
                return Address(street.name, "", "", "", Position(lat, long), street.metres)
        return None

    # Things with numbers

    def asset(self, asset_id: str, layer: str = "") -> Asset | None:
        """The thing with this id, or with this number where only one has it."""
        found = self._assets.get((layer, asset_id.strip().casefold()))
        return found[0] if found and len({asset.id for asset in found}) == 1 else None

    def assets_near(self, layer: str, lat: float, long: float, within_m: float = 60.0, most: int = 12) -> list[Asset]:
        """The things of a layer around a point, nearest first."""
        known = self.layers.get(layer)
        found = known.shapes.near(Position(lat, long), within_m, most) if known else []
        return [_asset(layer, known.features[near.index], near.metres) for near in found] if known else []

    def assets_like(self, layer: str, number: str, most: int = 12) -> list[Asset]:
        """The things of a layer whose number begins so, in the order of the numbers."""
        wanted = fold(number.strip())
        if not wanted or layer not in self.layers:
            return []
        found = [
            asset
            for feature in self.layers[layer].features
            if fold((asset := _asset(layer, feature)).number).startswith(wanted) or fold(asset.id).startswith(wanted)
        ]
        return sorted(found, key=lambda asset: (len(asset.number), asset.number))[:most]

    @cached_property
    def _assets(self) -> dict[tuple[str, str], list[Asset]]:
        found: dict[tuple[str, str], list[Asset]] = {}
        for layer in self.layers.values():
            if is_assets(layer):
                for feature in layer.features:
                    asset = _asset(layer.name, feature)
                    for key in {asset.id.casefold(), asset.number.casefold()}:
                        found.setdefault((layer.name, key), []).append(asset)
                        found.setdefault(("", key), []).append(asset)
        return found


def place(lat: str, long: str, settings: Map, known: Places) -> Position:
    """Read two texts as a place of ours, by bounds and area of `[map]`; NoPlace, or Outside, where they are none."""
    accepted = settings.outside == "accept"
    here = position(lat, long, box(settings.bounds, "bounds") if settings.bounds else None, outside=accepted)
    if settings.area and settings.area in known.layers and not accepted:
        areas = known.areas(settings.area)
        if not areas.at(here):
            swapped = abs(here.long) <= 90 and bool(areas.at(Position(here.long, here.lat)))
            raise (
                NoPlace("lat", "lat and long look swapped") if swapped else Outside("lat", "this place is none of ours")
            )
    return here


def is_assets(layer: Layer) -> bool:
    """Whether a layer is one of things to point at: points that have ids or numbers."""
    first = layer.features[0] if layer.features and layer.name not in layers.SHAPES else None
    return bool(first and first.shape.geom_type == "Point" and (first.text("asset_id") or first.text("number")))


def _asset(layer: str, feature: Feature, metres: float = 0.0) -> Asset:
    number = feature.text("number") or feature.text("asset_id")
    words = feature.text("name") or feature.text("street")
    return Asset(feature.text("asset_id") or feature.id or number, layer, number, feature.position, words, metres)


def _area(feature: Feature) -> Area:
    name, code = feature.text("name"), feature.text("code")
    return Area(code or name, name or code)


def _name(house: Address) -> tuple[str, str, str]:
    return fold(house.street), fold(house.number), house.postcode or fold(house.city)


def _address(feature: Feature) -> Address:
    street, number, postcode, city = (feature.text(key) for key in ("street", "number", "postcode", "city"))
    return Address(street, number, postcode, city, feature.position)


def read(path: Path) -> Layer:
    """One file of `places/`; Mistake for the first thing wrong in it."""
    layer = layers.read(path)
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", layer.name):
        raise Mistake(str(path), 1, f"{layer.name!r} is no name for a layer", "small letters, digits, - and _")
    _check(path, layer)
    return layer


def _check(path: Path, layer: Layer) -> None:
    """What a layer of this name must say of each feature."""
    seen: set[str] = set()
    things = is_assets(layer)
    for n, feature in enumerate(layer.features):
        if layer.name == "areas" and not (feature.text("code") or feature.text("name")):
            _wrong(path, n, "an area without code and name", "give it one of them")
        if layer.name == "addresses" and not feature.text("street"):
            _wrong(path, n, "an address without street", "the place's name where it has none")
        if things:
            asset = _asset(layer.name, feature)
            if not asset.id:
                _wrong(path, n, "no asset_id and no number", "each thing needs one of its own")
            if asset.id in seen:
                _wrong(path, n, f"asset_id {asset.id!r} stands twice", "each thing needs one of its own")
            seen.add(asset.id)


def _wrong(path: Path, index: int, says: str, hint: str) -> NoReturn:
    raise Mistake(str(path), layers.line_of(path.read_bytes(), index), f"feature {index + 1}: {says}", hint)


def read_all(directory: Path) -> tuple[Places, list[Mistake]]:
    """The layers as the files say now, and what is wrong in those that cannot be used."""
    found, mistakes = [], []
    for path in sorted((directory / FOLDER).glob("*.geojson")):
        try:
            found.append(read(path))
        except Mistake as mistake:
            mistakes.append(mistake)
    return Places(found), mistakes


_kept: Kept[Layer] = Kept(FOLDER, read, "*.geojson")
_together: dict[Path, tuple[list[Layer], Places]] = {}


def in_use(directory: Path) -> Places:
    """The layers to go by: the last good version of each file."""
    found = _kept.all(directory)
    before, places = _together.get(directory, ([], Places()))
    if len(found) != len(before) or any(new is not old for new, old in zip(found, before, strict=True)):
        places = Places(found)
        _together[directory] = (found, places)
    return places
