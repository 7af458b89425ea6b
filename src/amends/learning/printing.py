"""A simulation as a page somebody would print, as a table for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from typing import Any

from django.template import Context, Engine
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amends.ground.counts import counted
from amends.ground.money import Money
from amends.learning.records import Burn, Group, Simulation, Spread

WIDTH, HEIGHT, LEFT, BASE = 900, 180, 4, 150
TITLES = {"severity": "By severity", "recurrence": "By recurrence", "segment": "By segment"}
PER = {
    "decision": ("decisions", "decision"),
    "customer": ("customers", "customer"),
    "incident": ("incidents", "incident"),
    "policy day": ("days", "day"),
}
HEADS = {"severity": "severity", "recurrence": "failure", "segment": "segment"}


def page(found: Sequence[Simulation], span: str) -> str:
    """The HTML report; it needs nothing from anywhere."""
    text = (files("amends.learning") / "simulation.html").read_text("utf-8")
    name = found[0].after.partition(" ")[0] if found else "a policy"
    shown = {"name": name, "span": span, "parts": [_part(one) for one in found]}
    return str(Engine(autoescape=True).from_string(text).render(Context(shown, use_l10n=False)))


def _part(one: Simulation) -> dict[str, Any]:
    money = partial(_money, currency=one.currency)
    return {
        "currency": one.currency,
        "headline": _headline(one),
        "policies": [
            (head, name, _versions(versions))
            for head, name, versions in (
                ("In force", one.before, one.versions_before),
                ("Candidate", one.after, one.versions_after),
            )
        ],
        "notes": [str(note) for note in one.notes],
        "figures": _figures(one),
        "months": [(name, money(a), money(b), _signed(b - a, one.currency)) for name, a, b in one.months],
        "months_drawn": bars([(name, a, b) for name, a, b in one.months], "Money by month", one.currency),
        "quantiles": [f"{share} %" if share < 100 else "most" for share in one.spread_before.quantiles],
        "spread": [
            _spread_row("in force", one.spread_before, one.currency),
            _spread_row("candidate", one.spread_after, one.currency),
        ],
        "spread_drawn": bars(_bucket_pairs(one), "Customers by what they get", ""),
        "groups": [
            {"title": TITLES[name], "name": HEADS[name], "rows": [_group_row(g, one.currency) for g in groups]}
            for name, groups in one.by.items()
        ],
        "rows": [(a, b, f"{n:,}", _signed(change, one.currency)) for a, b, n, change in one.rows],
        "budgets": [_budget_row(burn, one.currency) for burn in one.budgets],
        "ids": any(e.failure_id for e in one.examples),
        "examples": [
            (
                e.failure_id[:16],
                f"{e.promise}, {e.severity}, {_times(e.recurrence)}",
                money(e.before),
                money(e.after),
                f"{e.row_before} → {e.row_after}",
            )
            for e in one.examples
        ],
    }


def _versions(used: Sequence[tuple[str, int]]) -> list[str]:
    """Which versions decided, and how many failures each."""
    return [f"version {since} decided {counted(count, 'failure')}" for since, count in used] or [
        "no version decided any"
    ]


def _budget_row(burn: Burn, currency: str) -> list[str]:
    """A budget, its cap, and how often and how far each policy would go beyond it."""
    several, single = PER[burn.per]
    window = f" in {counted(burn.days, 'day')}" if burn.days else ""
    row = [burn.name, f"{_money(burn.cap, currency)} per {single}{window}"]
    for burnt in (burn.before, burn.after):
        since = f", first {burnt.first}" if burnt.first else ""
        row += [
            f"{counted(burnt.over, single, several)}{since}" if burnt.over else "never",
            _money(burnt.most, currency),
        ]
    return row


def _times(recurrence: int) -> str:
    return "first time" if not recurrence else f"{recurrence} before"


def _headline(one: Simulation) -> str:
    change = one.whole.after - one.whole.before
    if not change:
        return "the same money in all" if one.whole.after else "no money by either policy"
    part = abs(change) / one.whole.before if one.whole.before else 0.0
    share = f" ({part:.1%})" if part >= 0.001 else " (less than a tenth of a percent)" if part else ""
    return f"{_money(abs(change), one.currency)} {'more' if change > 0 else 'less'}{share}"


def _figures(one: Simulation) -> list[dict[str, str]]:
    whole, money = one.whole, partial(_money, currency=one.currency)
    return [
        {"label": "Money in force", "value": money(whole.before), "note": f"{whole.failures:,} failures"},
        {"label": "Money, candidate", "value": money(whole.after), "note": f"{whole.customers:,} customers"},
        {
            "label": "Owed by law or contract",
            "value": money(whole.owed_after),
            "note": f"in force {money(whole.owed_before)}",
        },
        {"label": "Goodwill", "value": money(whole.goodwill_after), "note": f"in force {money(whole.goodwill_before)}"},
        {"label": "Customers with more", "value": f"{whole.more:,}", "note": f"with less {whole.less:,}"},
        {"label": "Persons needed", "value": f"{whole.persons_after:,}", "note": f"in force {whole.persons_before:,}"},
    ]


def _money(minor: int, currency: str) -> str:
    try:
        return Money(int(minor), currency).words("en")
    except ValueError:
        return f"{minor:,}"


def _signed(minor: int, currency: str) -> SafeString:
    if not minor:
        return SafeString("–")
    text = ("+" if minor > 0 else "−") + _money(abs(minor), currency)
    return format_html('<span class="minus">{}</span>' if minor < 0 else "<span>{}</span>", text)


def _spread_row(name: str, spread: Spread, currency: str) -> list[str]:
    quantiles = [_money(minor, currency) for minor in spread.quantiles.values()]
    return [name, f"{spread.paid:,}", _money(round(spread.mean), currency), *quantiles]


def _bucket_pairs(one: Simulation) -> list[tuple[str, int, int]]:
    """Customers by amount under both policies; the last bucket has no upper edge and is left out where it is empty."""
    spreads = [spread.buckets for spread in (one.spread_before, one.spread_after)]
    edges = [edge for edge, _ in max(spreads, key=len)]
    counts = [[count for _, count in buckets] or [0] * len(edges) for buckets in spreads]
    names = [f"≤ {_money(edge, one.currency)}" for edge in edges if edge is not None]
    if edges:
        names.append(f"> {_money(edges[-2] or 0, one.currency)}")
    pairs = list(zip(names, *counts, strict=True))
    return pairs[:-1] if pairs and not any(pairs[-1][1:]) else pairs


def _group_row(group: Group, currency: str) -> list[str | SafeString]:
    return [
        group.name,
        f"{group.failures:,}",
        f"{group.customers:,}",
        _money(group.owed_after, currency),
        _money(group.goodwill_after, currency),
        _signed(group.after - group.before, currency),
        f"{group.more:,}",
        f"{group.less:,}",
        f"{group.persons_after:,}",
    ]


def bars(pairs: Sequence[tuple[str, int, int]], title: str, currency: str) -> SafeString:
    """Pairs of bars, in force and candidate, as an accessible drawing; the numbers stand in a table beside it."""
    most = max((max(a, b) for _, a, b in pairs), default=0)
    if not most:
        return SafeString("")
    step = (WIDTH - LEFT) / len(pairs)
    marks = format_html_join(
        "", "{}", ((_pair(number, pair, most, step, currency),) for number, pair in enumerate(pairs))
    )
    said = "; ".join(f"{name}: {_said(a, currency)} and {_said(b, currency)}" for name, a, b in pairs)
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}, in force and candidate. {}">{}'
        '<line x1="0" x2="{}" y1="{}" y2="{}" stroke="var(--line)"/></svg>',
        WIDTH, HEIGHT, title, said, marks, WIDTH, BASE, BASE,
    )  # fmt: skip


def _said(value: int, currency: str) -> str:
    return _money(value, currency) if currency else f"{value:,}"


def _pair(number: int, pair: tuple[str, int, int], most: int, step: float, currency: str) -> SafeString:
    name, before, after = pair
    width, x = step * 0.36, LEFT + number * step
    heights = [value / most * (BASE - 12) for value in (before, after)]
    return format_html(
        '<g><title>{}: {} and {}</title><rect x="{}" y="{}" width="{}" height="{}" rx="2" fill="var(--before)"/>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="2" fill="var(--accent)"/><text x="{}" y="{}">{}</text></g>',
        name, _said(before, currency), _said(after, currency),
        f"{x:.1f}", f"{BASE - heights[0]:.1f}", f"{width:.1f}", f"{heights[0]:.1f}",
        f"{x + width + 2:.1f}", f"{BASE - heights[1]:.1f}", f"{width:.1f}", f"{heights[1]:.1f}",
        f"{x:.1f}", BASE + 18, name if len(name) * 6.4 < step else name[: max(3, int(step / 7))],
    )  # fmt: skip


def as_json(found: Iterable[Simulation]) -> list[dict[str, Any]]:
    return [_jsonable(asdict(one)) for one in found]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, list | tuple) else value


COLUMNS = "\nmore, less: customers; persons: failures before a person"


def tell(found: Sequence[Simulation], console: Console) -> None:
    """The short form for a terminal."""
    if not found:
        console.print("No failure lies in this span, so there is nothing to compare.")
    for one in found:
        console.print(f"[bold]{one.currency}: {_headline(one)}[/]\n", highlight=False)
        for head, name, versions in (
            ("in force ", one.before, one.versions_before),
            ("candidate", one.after, one.versions_after),
        ):
            lines = [f"{head}  {name}", *(f"           {version}" for version in _versions(versions))]
            console.print(escape("\n".join(lines)), highlight=False)
        for note in one.notes:
            console.print(f"[yellow]beware[/]     {escape(str(note))}", highlight=False)
        for figure in _figures(one)[2:4]:
            console.print(f"{figure['label'].lower()}  {figure['value']} ({figure['note']})", highlight=False)
        for name, groups in {"all": (one.whole,), **one.by}.items():
            console.print(_table(name, groups, one.currency))
        console.print(COLUMNS, style="dim", highlight=False)
        for name, cap, over, most, over_after, most_after in (_budget_row(burn, one.currency) for burn in one.budgets):
            says = f"budget {name} ({cap}): beyond it {over_after}, most {most_after} (in force {over}, {most})"
            console.print(escape(says), highlight=False)


def _table(name: str, groups: Sequence[Group], currency: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    heads = ("failures", "in force", "candidate", "more", "less", "persons")
    table.add_column(f"\n{HEADS.get(name, '')}".ljust(14), min_width=13)
    for head in heads:
        table.add_column(f"\n{head}", justify="right", no_wrap=True)
    for group in groups:
        counts = [f"{value:,}" for value in (group.more, group.less, group.persons_after)]
        money = [_money(value, currency) for value in (group.before, group.after)]
        table.add_row(group.name, f"{group.failures:,}", *money, *counts)
    return table
