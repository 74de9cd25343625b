"""Tables in and out, whatever package made them: recognized by what they can do, never by importing their package."""

# Values of any type are looked at here, and are of an unknown type until they have been.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Table", "is_path", "like", "maker_of"]


class Table(Mapping[str, Any]):
    """Columns by name: the table that olmix gives where it was given none of another package.

    It is a mapping from names to columns, and an Arrow table for everything that takes one.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of one length.

    Examples
    --------
    >>> import olmix
    >>> table = olmix.Table({"run": ["a", "b"], "loss": [1.5, 1.25]})
    >>> table
    run  loss
    a    1.5
    b    1.25
    >>> list(table["run"])
    ['a', 'b']
    """

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows, in order.

        Examples
        --------
        >>> import olmix
        >>> olmix.Table({"run": ["a"], "loss": [1.5]}).rows()
        [('a', 1.5)]
        """
        return list(zip(*self._columns.values(), strict=True))

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the columns as lists.

        Examples
        --------
        >>> import olmix
        >>> olmix.Table({"loss": [1.5]}).to_dict()
        {'loss': [1.5]}
        """
        return {name: [_plain(cell) for cell in column] for name, column in self._columns.items()}

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``; pandas must be installed.

        Examples
        --------
        >>> import olmix
        >>> olmix.Table({"loss": [1.5]}).to_pandas().shape
        (1, 1)
        """
        return like("pandas", self._columns)

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame``; polars must be installed.

        Examples
        --------
        >>> import olmix
        >>> olmix.Table({"loss": [1.5]}).to_polars().shape
        (1, 1)
        """
        return like("polars", self._columns)

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``; pyarrow must be installed.

        Examples
        --------
        >>> import olmix
        >>> olmix.Table({"loss": [1.5]}).to_arrow().num_rows
        1
        """
        return like("pyarrow", self._columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        from . import _olmix
        from ._columns import prepared

        columns = [(name, prepared(name, column, "table")) for name, column in self._columns.items()]
        return _olmix.arrow_stream(columns)

    def __repr__(self) -> str:
        rows = self.rows()
        shown = [tuple(_cell(cell) for cell in row) for row in rows[:20]]
        table = [tuple(self._columns), *shown]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        if len(rows) > len(shown):
            lines.append(f"… {len(rows) - len(shown)} rows more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from ._html import table

        return table(list(self._columns), self.rows())


def _plain(cell: Any) -> Any:
    item = getattr(cell, "item", None)
    return item() if callable(item) else cell


def _cell(cell: Any) -> str:
    cell = _plain(cell)
    return "–" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def maker_of(table: Any) -> str | None:
    """Return the package that `table` is of: the one whose tables are given back."""
    package = type(table).__module__.partition(".")[0]
    return package if package in ("pandas", "polars", "pyarrow") else None


def like(package: str | None, columns: Mapping[str, Any]) -> Any:
    """Return a table of `package` (as `maker_of` gives it)."""
    if package == "pandas":
        import pandas

        return pandas.DataFrame(dict(columns))
    if package == "polars":
        import polars

        return polars.DataFrame(dict(columns), strict=False)
    if package == "pyarrow":
        import pyarrow

        return pyarrow.table(dict(columns))
    return Table(columns)


def is_path(value: object) -> bool:
    """Whether `value` is the name of a file."""
    return isinstance(value, (str, os.PathLike))
