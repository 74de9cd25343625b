"""The exceptions of olmix: a small tree, each with the file, the place in it and the remedy as fields."""

from __future__ import annotations

from typing import Callable

__all__ = [
    "FileError",
    "InfeasibleError",
    "InputError",
    "InternalError",
    "OlmixError",
    "SolverError",
    "TooFewRunsError",
]


class OlmixError(Exception):
    """Base of every exception that olmix raises on purpose.

    Parameters
    ----------
    message : str
        What was found, in one sentence.
    file : str, optional
        The file, or the name of the table or argument, that it was found in.
    place : str, optional
        Where in `file`: a line, a column, a key.
    help : str, optional
        What to do about it.

    Notes
    -----
    `str` gives ``file:place: message`` and, on a line of its own, ``help: …``; parts that are not known are left out.
    Exceptions survive pickling and copying with all fields.

    Examples
    --------
    >>> error = InputError("weight is -1", file="ratios.csv", place="line 3", help="write a weight of 0 or more")
    >>> print(error)
    ratios.csv:line 3: weight is -1
      help: write a weight of 0 or more
    >>> isinstance(error, ValueError), error.place
    (True, 'line 3')
    """

    message: str
    file: str | None
    place: str | None
    help: str | None

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        place: str | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.place = place
        self.help = help

    def __str__(self) -> str:
        before = ":".join(part for part in (self.file, self.place) if part)
        text = f"{before}: {self.message}" if before else self.message
        return f"{text}\n  help: {self.help}" if self.help else text

    def __repr__(self) -> str:
        fields = [repr(self.message)]
        for name in ("file", "place", "help"):
            value = getattr(self, name)
            if value is not None:
                fields.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(fields)})"

    def __reduce__(self) -> tuple[Callable[..., OlmixError], tuple[object, ...], dict[str, object]]:
        # Without this, pickle would call the class with `args` alone and lose what is given by name.
        # The dictionary carries the fields, and what a caller has added (`add_note` writes there, too).
        return _again, (type(self), self.message), dict(self.__dict__)


def _again(kind: type[OlmixError], message: str) -> OlmixError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error


class InputError(OlmixError, ValueError):
    """What was given can't be used, and the caller can correct it: a table, a setting, a file's content."""


class FileError(OlmixError, OSError):
    """A file or folder couldn't be read or written."""


class InfeasibleError(InputError):
    """No mixture fulfils all constraints."""


class TooFewRunsError(InputError):
    """A swarm has fewer runs than what is asked for needs."""


class SolverError(OlmixError, ArithmeticError):
    """A fit or a solve did not converge to finite numbers."""


class InternalError(OlmixError, RuntimeError):
    """A fault of olmix itself. Please report it, with what it was given."""
