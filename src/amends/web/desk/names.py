"""What the desk calls things: the names that configuration gives, and the code where it gives none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from amends.reports import categories, places
from amends.reports.catalogue import Catalogue, in_language
from amends.web.crew.words import CREW

LANGUAGE = "en"  # the desk's


@dataclass(frozen=True)
class Names:
    """Names by their codes, read once for a page."""

    catalogue: Catalogue
    areas: Mapping[str, str]

    def category(self, code: str) -> str:
        known = self.catalogue.categories.get(code)
        return (in_language(known.name, LANGUAGE) if known else "") or code

    def body(self, code: str) -> str:
        known = self.catalogue.bodies.get(code)
        return (in_language(known.name, LANGUAGE) if known else "") or code

    def crew(self, code: str) -> str:
        return self.catalogue.crew(code, LANGUAGE)

    def area(self, code: str) -> str:
        return self.areas.get(code) or code

    def value(self, field: str, code: object) -> object:
        """What a field of a report holds, named where it is a code."""
        known = {"category": self.category, "body": self.body, "crew": self.crew, "area": self.area}
        return known[field](code) if field in known and isinstance(code, str) else code

    def way(self, body: str, crew: str) -> str:
        """Where a report goes, body and crew."""
        return " ".join(filter(None, (self.body(body), self.crew(crew))))

    def who(self, signed: str) -> str:
        """Who did something; a crew signs with its code."""
        crew = signed.removeprefix(CREW)
        return self.crew(crew) if crew != signed and self.crew(crew) != crew else signed


def names() -> Names:
    """The names in use."""
    directory = settings.AMENDS.directory
    areas = {area.code: area.name for area in places.in_use(directory).areas().areas}
    return Names(categories.in_use(directory), areas)
