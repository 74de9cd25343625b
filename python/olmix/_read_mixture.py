"""Mixtures from files: `olmix.read_mixture`."""

from __future__ import annotations

import os

from ._mix import Mix
from .errors import FileError, InputError

__all__ = ["read_mixture"]


def read_mixture(path: str | os.PathLike[str]) -> Mix:
    """Read a ``mixture.json``.

    Parameters
    ----------
    path : path
        A file that `olmix fit` or `Mix.save` wrote.

    Returns
    -------
    Mix
        The mixture with its laws; the swarm is not there.

    Raises
    ------
    olmix.errors.FileError
        For a file that can't be read.
    olmix.errors.InputError
        For one that is damaged, changed by hand, or of a newer version.

    Examples
    --------
    >>> import olmix
    >>> olmix.read_mixture("nothing.json")
    Traceback (most recent call last):
    ...
    olmix.errors.FileError: nothing.json: can't be read: No such file or directory
      help: check the path
    """
    from . import _olmix

    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise FileError(f"can't be read: {error.strerror}", file=os.fspath(path), help="check the path") from error
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InputError("it is no text in UTF-8", file=os.fspath(path), help="name a mixture.json") from None
    laws = _olmix.Laws.of_mixture(os.fspath(path), text)
    mix = Mix(content)
    mix._laws = laws
    return mix
