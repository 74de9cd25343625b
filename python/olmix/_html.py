"""Tables and figures for notebooks. Every name is escaped: it is data, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["figure", "mixture", "section", "table"]

#: Rows that a notebook shows.
MOST = 60


def _plain(cell: Any) -> Any:
    item = getattr(cell, "item", None)
    cell = item() if callable(item) else cell
    return None if cell is None or cell != cell else cell


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if not _is_number(cell):
        return escape(str(cell))
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.4g}".replace("-", "−")


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()) -> str:
    """Return an HTML table; of long ones the beginning, with how many rows follow.

    Numbers, and texts of the columns named in `right`, stand at the right.
    """
    shown = [[_plain(cell) for cell in row] for row in rows[:MOST]]
    styles = [
        f"text-align:{'right' if name in right or any(_is_number(row[at]) for row in shown) else 'left'}"
        for at, name in enumerate(names)
    ]
    head = "".join(f"<th style='{style}'>{escape(name)}</th>" for name, style in zip(names, styles, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td style='{style}'>{_text(cell)}</td>" for cell, style in zip(row, styles, strict=True))
        + "</tr>"
        for row in shown
    )
    more = len(rows) - MOST
    rest = f"<p>{more} rows more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def figure(svg: str | None) -> str:
    """Return a figure on white, so that it can be read where pages are dark; nothing where there is none."""
    return f"<div style='max-width:52em;background:white'>{svg}</div>" if svg else ""


def section(title: str, *parts: str) -> str:
    """Return parts of HTML under a title."""
    return f"<div><h4>{escape(title)}</h4>{''.join(parts)}</div>"


def mixture(title: str, content: Mapping[str, Any], svg: str | None) -> str:
    """Return the domains of a ``mixture.json`` as a table, as the report has it, with a figure."""
    domains = content["domains"]
    names = ["domain", "prior", "proposed", "ratio", "epochs", "binding"]
    rows = [
        [
            domain["name"],
            f"{100 * domain['prior']:.2f} %",
            "" if domain["weight"] is None else f"{100 * domain['weight']:.2f} %",
            "" if domain["ratio"] is None else f"{domain['ratio']:.2f}×",
            "" if domain["epochs"] is None else f"{domain['epochs']:.2f}",
            domain["limit"],
        ]
        for domain in domains
    ]
    if any(domain["interval"] for domain in domains):
        names.append(f"{100 * content['bootstrap']['confidence']:g} % interval")
        for row, domain in zip(rows, domains, strict=True):
            ends = domain["interval"]
            row.append(f"{100 * ends['low']:.2f} – {100 * ends['high']:.2f} %" if ends else "")
    shown = table(names, rows, right=[name for name in names if name not in ("domain", "binding")])
    return section(title, shown, figure(svg))
