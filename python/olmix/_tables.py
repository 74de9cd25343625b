"""Tables in and out, whatever package made them: recognized by what they can do, never by importing their package."""

# Values of any type are looked at here, and are of an unknown type until they have been.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

    Column = Union["np.ndarray[Any, np.dtype[np.float64]]", list[Union[str, None]]]

__all__ = ["Table", "columns_of", "like", "matrix_of", "maker_of"]

#: Columns that name runs, as in the files of a swarm.
ID_COLUMNS = ("run", "run_id", "index")

_TAKEN = "give a data frame (pandas, polars, pyarrow or another Arrow table), a mapping from names to columns, or a path"


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

        prepared = [(name, _prepared(name, column, "table")) for name, column in self._columns.items()]
        return _olmix.arrow_stream(prepared)

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


def columns_of(table: Any, name: str) -> list[tuple[str, Column]]:
    """Return the columns of a table: arrays of ``float64``, in place where they are that already, or lists of texts.

    Parameters
    ----------
    table : table
        Of pandas, polars, pyarrow, anything with ``__arrow_c_stream__``, or a mapping of columns.
    name : str
        What errors call it.

    Raises
    ------
    olmix.errors.InputError
        For what is no table, and columns that hold neither numbers nor texts.
    """
    if isinstance(table, Mapping):
        named = [(key, column) for key, column in table.items()]
    elif hasattr(table, "iloc") and hasattr(table, "index"):
        named = _of_pandas(table, name)
    elif hasattr(table, "get_columns") and hasattr(table, "columns"):
        named = list(zip(table.columns, table.get_columns(), strict=True))
    elif hasattr(table, "column_names") and hasattr(table, "columns"):
        named = list(zip(table.column_names, table.columns, strict=True))
    elif hasattr(table, "__arrow_c_stream__"):
        from . import _olmix

        named = _olmix.arrow_columns(table, name)
    elif isinstance(table, Iterator):
        raise InputError("it is a generator, which can be read only once", file=name, help=_TAKEN)
    else:
        raise InputError(f"{type(table).__name__} is no table", file=name, help=_TAKEN)
    _refuse_twice([key for key, _ in named], name)
    if not named:
        raise InputError("it has no columns", file=name, help="give a column of run names and one per domain or metric")
    return [(str(key), _prepared(str(key), column, name)) for key, column in named]


def _refuse_twice(keys: Sequence[object], name: str) -> None:
    seen: set[str] = set()
    for key in keys:
        if isinstance(key, tuple):
            raise InputError(
                f"column {key!r} has names on several levels",
                file=name,
                help="give columns one name each: df.columns = ['.'.join(map(str, c)) for c in df.columns]",
            )
        if str(key) in seen:
            raise InputError(f"column `{key}` occurs twice", file=name, help="rename or remove one of the two")
        seen.add(str(key))


def _of_pandas(table: Any, name: str) -> list[tuple[Any, Any]]:
    keys = list(table.columns)
    _refuse_twice(keys, name)
    named = [(key, table.iloc[:, position]) for position, key in enumerate(keys)]
    if any(str(key) in ID_COLUMNS for key in keys):
        return named
    index = table.index
    if getattr(index, "nlevels", 1) > 1:
        raise InputError(
            f"the index has {index.nlevels} levels, and runs have one name each",
            file=name,
            help="use df.reset_index(), and name the runs in a column `run`",
        )
    # The index that pandas makes by itself numbers rows; it says nothing of runs.
    if type(index).__name__ == "RangeIndex" and index.name is None:
        raise InputError(
            "there is no column of run names, and the index only numbers the rows",
            file=name,
            help="give a column `run`, or make the names of the runs the index: df.set_index(…)",
        )
    return [("run", index), *named]


def _prepared(column: str, cells: Any, table: str) -> Column:
    """An array of float64 or a list of texts."""
    import numpy as np

    if isinstance(cells, Iterator):
        raise InputError(
            f"column `{column}` is a generator, which can be read only once", file=table, help="give a list"
        )
    if isinstance(cells, (str, bytes)) or not hasattr(cells, "__len__"):
        raise InputError(f"column `{column}` is a single value", file=table, help="give one cell per run")
    if hasattr(cells, "to_numpy"):
        array: Any = _numbers_of(cells, np)
        if array is not None:
            return cast("Column", array)
        # pyarrow and polars make lists of plain values, pandas of its own.
        listed = getattr(cells, "to_pylist", None) or getattr(cells, "to_list", None) or cells.tolist
        return _texts(column, listed(), table, np)
    array = np.asarray(cells) if not isinstance(cells, list) else None
    if array is not None and array.ndim != 1:
        raise InputError(
            f"column `{column}` has the shape {array.shape}, not one cell per run", file=table, help="give 1-D columns"
        )
    if array is not None and array.dtype.kind in "fiub":
        return np.ascontiguousarray(array, dtype=np.float64)
    if array is not None and array.dtype.kind not in "OUSTM":
        raise InputError(
            f"column `{column}` is of type {array.dtype}", file=table, help="give numbers or texts, or drop the column"
        )
    return _texts(column, cells if array is None else array.tolist(), table, np)


def _numbers_of(cells: Any, np: Any) -> Any:
    """The column as float64, in place where it is; `None` where it is not one of numbers."""
    kind = str(getattr(cells, "type", None) or getattr(cells, "dtype", "")).lower()
    numeric = kind.startswith(("float", "int", "uint", "double", "halffloat", "bool", "decimal"))
    if not numeric:
        return None
    if kind.startswith(("float64", "double")) and type(cells).__module__.startswith(("polars", "pyarrow")):
        return np.asarray(cells.to_numpy(), dtype=np.float64)
    try:
        return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
    except TypeError:
        array = cells.to_numpy()
    if array.dtype.kind == "O":
        array = np.array([np.nan if cell is None else float(cell) for cell in array.tolist()])
    return np.asarray(array, dtype=np.float64)


def _texts(column: str, cells: Sequence[Any], table: str, np: Any) -> Column:
    """Cells of any kind: numbers where all are, else texts."""
    missing = [cell is None or cell != cell or str(cell) in ("<NA>", "NaT") for cell in cells]
    numbers = (int, float, np.integer, np.floating)
    if all(gone or (isinstance(cell, numbers)) for cell, gone in zip(cells, missing, strict=True)):
        return cast("Column", np.array([np.nan if gone else float(cell) for cell, gone in zip(cells, missing, strict=True)]))
    texts: list[str | None] = []
    for cell, gone in zip(cells, missing, strict=True):
        if isinstance(cell, (list, tuple, dict, set, complex, bytes)):
            raise InputError(
                f"column `{column}` holds {type(cell).__name__} values",
                file=table,
                help="give numbers or texts, or drop the column",
            )
        texts.append(None if gone else str(cell))
    return texts


def matrix_of(
    mixtures: Any, domains: Sequence[str], name: str = "mixtures"
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], list[str] | None, bool]:
    """Return mixtures (rows) over `domains`, the names of the rows where there are any, and whether it was one alone.

    Raises
    ------
    olmix.errors.InputError
        For other domains, another shape, and weights that are not those of a mixture.
    """
    import numpy as np

    names: list[str] | None = None
    alone = False
    if isinstance(mixtures, Mapping) and all(not hasattr(share, "__len__") for share in mixtures.values()):
        # One mixture by name; domains that are not named have no share.
        _known([str(key) for key in mixtures], domains, name, needs_all=False)
        alone = True
        try:
            array = np.array([[float(mixtures.get(domain, 0.0)) for domain in domains]])
        except (TypeError, ValueError):
            raise InputError("shares must be numbers", file=name, help="give {domain: share}") from None
    elif isinstance(mixtures, np.ndarray) or (isinstance(mixtures, (list, tuple)) and mixtures):
        try:
            array = np.asarray(mixtures, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("it is no array of numbers", file=name, help="give mixtures × domains") from None
        alone = array.ndim == 1
        array = array[None, :] if alone else array
        if array.ndim != 2 or array.shape[1] != len(domains):
            raise InputError(
                f"the shape is {np.shape(mixtures)}, and there are {len(domains)} domains",
                file=name,
                help="give one column per domain, in the order of `domains`",
            )
    else:
        array, names = _rows_by_name(mixtures, domains, name)
    if not alone and array.shape[0] == 0:
        return array, names, alone
    _check_mixtures(array, names, name, np)
    return array, names, alone


def _rows_by_name(mixtures: Any, domains: Sequence[str], name: str) -> tuple[Any, list[str] | None]:
    import numpy as np

    is_frame = hasattr(mixtures, "iloc") and hasattr(mixtures, "index")
    if is_frame and list(map(str, mixtures.columns)) == list(domains) and len(set(mixtures.dtypes)) == 1:
        array = mixtures.to_numpy()
        if array.dtype == np.float64:
            return array, None
    if is_frame:
        keys = list(mixtures.columns)
        _refuse_twice(keys, name)
        columns = {str(key): mixtures.iloc[:, at] for at, key in enumerate(keys)}
    else:
        columns = dict(columns_of(mixtures, name))
    names = next((list(map(str, _list(columns[key]))) for key in ID_COLUMNS if key in columns), None)
    for key in ID_COLUMNS:
        columns.pop(key, None)
    _known(list(columns), domains, name, needs_all=True)
    arrays = []
    for domain in domains:
        column = _prepared(domain, columns[domain], name)
        if isinstance(column, list):
            raise InputError(f"column `{domain}` holds texts", file=name, help="give shares as numbers")
        arrays.append(column)
    return np.column_stack(arrays), names


def _list(column: Any) -> list[Any]:
    listed = getattr(column, "tolist", None) or getattr(column, "to_list", None)
    return listed() if listed else list(column)


def _known(keys: Sequence[str], domains: Sequence[str], name: str, *, needs_all: bool) -> None:
    unknown = [key for key in keys if key not in domains]
    if unknown:
        import difflib

        near = difflib.get_close_matches(unknown[0], domains, 1)
        help = f"did you mean `{near[0]}`?" if near else f"the domains are {', '.join(list(domains)[:8])}"
        raise InputError(f"the laws do not know the domain `{unknown[0]}`", file=name, help=help)
    missing = [domain for domain in domains if domain not in keys]
    if needs_all and missing:
        raise InputError(
            f"there is no column for the domain `{missing[0]}`",
            file=name,
            help="give every domain a column, with 0 where a mixture does not use it",
        )


def _check_mixtures(array: Any, names: list[str] | None, name: str, np: Any) -> None:
    sums = array.sum(axis=1)
    bad = ~(np.abs(sums - 1.0) <= 0.01 + 1e-9) | (array < 0).any(axis=1)
    if not bad.any():
        return
    row = int(np.argmax(bad))
    which = f"row {row}" if names is None else f"`{names[row]}`"
    if not np.isfinite(array[row]).all():
        message = "a share is not a finite number"
    elif (array[row] < 0).any():
        message = f"a share is negative: {array[row].min():g}"
    else:
        message = f"the shares sum to {sums[row]:.6g}, not to 1"
    raise InputError(message, file=name, place=which, help="give shares from 0 to 1 that sum to 1 within 0.01")
