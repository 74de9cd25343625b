"""From what users give to mixtures over known domains, checked."""

# Values of any type are looked at here, and are of an unknown type until they have been.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._columns import ID_COLUMNS, columns_of, prepared, refuse_twice
from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from . import _olmix

__all__ = ["losses_of", "matrix_of"]


def matrix_of(
    mixtures: Any, domains: Sequence[str], name: str = "mixtures"
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], list[str] | None, bool]:
    """Return mixtures (rows) over `domains`, the names of the rows where there are any, and whether it was one alone.

    Raises
    ------
    olmix.errors.InputError
        For other domains, and another shape. Whether rows are mixtures is looked at by `losses_of`.
    """
    import numpy as np

    names: list[str] | None = None
    alone = False
    if hasattr(mixtures, "iloc") and not hasattr(mixtures, "columns"):
        # A series of pandas: shares by domain.
        mixtures = mixtures.to_dict()
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
    return array, names, alone


def _rows_by_name(mixtures: Any, domains: Sequence[str], name: str) -> tuple[Any, list[str] | None]:
    import numpy as np

    is_frame = hasattr(mixtures, "iloc") and hasattr(mixtures, "columns")
    if is_frame and list(map(str, mixtures.columns)) == list(domains) and len(set(mixtures.dtypes)) == 1:
        array = mixtures.to_numpy()
        if array.dtype == np.float64:
            return array, None
    if is_frame:
        keys = list(mixtures.columns)
        refuse_twice(keys, name)
        columns = {str(key): mixtures.iloc[:, at] for at, key in enumerate(keys)}
    else:
        columns = dict(columns_of(mixtures, name))
    names = next((list(map(str, _list(columns[key]))) for key in ID_COLUMNS if key in columns), None)
    for key in ID_COLUMNS:
        columns.pop(key, None)
    _known(list(columns), domains, name, needs_all=True)
    arrays = []
    for domain in domains:
        column = prepared(domain, columns[domain], name)
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


def losses_of(
    laws: _olmix.Laws, array: np.ndarray[Any, np.dtype[np.float64]], names: Sequence[str] | None = None, *, check: bool = True
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what mixtures (rows) are predicted to lose, mixtures × tasks; `names` are those of the rows.

    Raises
    ------
    olmix.errors.InputError
        For the first row that is no mixture, unless nothing is to be checked.
    """
    import numpy as np

    # NumPy's memory for large arrays is in large pages, where the system has them: fewer faults than in one of Rust.
    losses = np.empty((array.shape[0], len(laws)))
    row = laws.predict(array, losses, check)
    if row is None:
        return losses
    which = f"row {row}" if names is None else f"`{names[row]}`"
    if not np.isfinite(array[row]).all():
        message = "a share is not a finite number"
    elif (array[row] < 0).any():
        message = f"a share is negative: {array[row].min():g}"
    else:
        message = f"the shares sum to {array[row].sum():.6g}, not to 1"
    help = "give shares from 0 to 1 that sum to 1 within 0.01"
    raise InputError(message, file="mixtures", place=which, help=help)
