"""From the tables of any package to columns: recognized by what they can do, never by importing their package."""

# Values of any type are looked at here, and are of an unknown type until they have been.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

    Column = Union["np.ndarray[Any, np.dtype[np.float64]]", list[Union[str, None]]]

__all__ = ["ID_COLUMNS", "columns_of", "prepared", "refuse_twice"]

#: Columns that name runs, as in the files of a swarm.
ID_COLUMNS = ("run", "run_id", "index")

_TAKEN = "give a data frame (pandas, polars, pyarrow or another Arrow table), a mapping from names to columns, or a path"

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
    elif hasattr(table, "iloc"):
        if not hasattr(table, "columns"):
            raise InputError(f"{type(table).__name__} is one column, and no table", file=name, help=_TAKEN)
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
    refuse_twice([key for key, _ in named], name)
    if not named:
        raise InputError("it has no columns", file=name, help="give a column of run names and one per domain or metric")
    return [(str(key), prepared(str(key), column, name)) for key, column in named]


def refuse_twice(keys: Sequence[object], name: str) -> None:
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
    refuse_twice(keys, name)
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


def prepared(column: str, cells: Any, table: str) -> Column:
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
