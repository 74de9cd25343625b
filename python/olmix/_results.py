"""Predictions, warnings and files: what fits and mixtures share."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._config import in_arguments
from ._mixtures import losses_of, matrix_of
from ._tables import Table, like, maker_of
from .errors import FileError
from .notices import FitWarning

if TYPE_CHECKING:
    from . import _olmix

__all__ = ["fit_warnings", "plain_columns", "predict", "write"]


def plain_columns(table: Any) -> dict[str, list[Any]]:
    """The columns of a result, as lists."""
    if isinstance(table, Table):
        return table.to_dict()
    names = list(getattr(table, "column_names", None) or table.columns)
    listed = {str(name): table[name] for name in names}
    return {name: column.to_pylist() if hasattr(column, "to_pylist") else list(column) for name, column in listed.items()}


def fit_warnings(fit: _olmix.Fit) -> list[FitWarning]:
    """The warnings of a fit, typed."""
    found: list[FitWarning] = []
    for sentence, numbers in fit.warnings():
        values: dict[str, Any] = json.loads(numbers)
        found.append(FitWarning(in_arguments(sentence), values.pop("kind"), values))
    return found


def predict(laws: _olmix.Laws, mixtures: Any, domains: list[str], tasks: list[str], maker: str | None) -> Any:
    """Predicted losses in the form in which mixtures were given."""
    import numpy as np

    index: Any = getattr(mixtures, "index", None)
    array, names, alone = matrix_of(mixtures, domains)
    predicted = losses_of(laws, array, names)
    if isinstance(mixtures, (np.ndarray, list, tuple)):
        return predicted[0] if alone else predicted
    if alone:
        return dict(zip(tasks, predicted[0].tolist(), strict=True))
    package = maker_of(mixtures) or (None if isinstance(mixtures, Mapping) else maker)
    columns = {task: predicted[:, i] for i, task in enumerate(tasks)}
    if package == "pandas" and names is None:
        import pandas

        return pandas.DataFrame(columns, index=index)
    return like(package, columns if names is None else {"run": names, **columns})


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file completely or not at all."""
    target = os.fspath(path)
    folder = os.path.dirname(target) or "."
    try:
        handle, name = tempfile.mkstemp(prefix=".olmix-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise FileError(
            f"can't be written: {error.strerror or error}", file=target, help="check the folder and its permissions"
        ) from error
