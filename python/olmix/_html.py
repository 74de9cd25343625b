"""Tables and figures for notebooks. Every name is escaped: it is data, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

__all__ = ["section", "table"]

#: Rows that a notebook shows.
MOST = 60


def _cell(cell: Any) -> str:
    item = getattr(cell, "item", None)
    cell = item() if callable(item) else cell
    if cell is None or cell != cell:
        return "<td></td>"
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return f"<td style='text-align:left'>{escape(str(cell))}</td>"
    text = f"{cell:,}" if isinstance(cell, int) else f"{cell:.5g}"
    return f"<td style='text-align:right'>{text}</td>"


def table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return an HTML table; of long ones the beginning, with how many rows follow."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MOST])
    more = len(rows) - MOST
    rest = f"<p>{more} rows more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def section(title: str, *parts: str) -> str:
    """Return parts of HTML under a title."""
    return f"<div><h4>{escape(title)}</h4>{''.join(parts)}</div>"
