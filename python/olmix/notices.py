"""What a user should know of data and fits: typed warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["FitWarning", "OlmixNotice", "OlmixWarning"]


class OlmixWarning(UserWarning):
    """Base of the warnings of olmix."""


class OlmixNotice(OlmixWarning):
    """What was left out, ignored or changed while data and settings were read; none of it stops a fit."""


class FitWarning(OlmixWarning):
    """One reason not to trust a fit.

    Parameters
    ----------
    message : str
        The sentence that the command line prints, with arguments in place of settings.
    kind : str
        Which reason: ``held``, ``undetermined``, ``not_checked``, ``explosions``, ``implausible_prior``, ``outdone``,
        ``gain_not_established``, ``ranking_unsafe``, ``not_converged`` or ``failed_resamples``.
    numbers : mapping
        What the sentence says, as values.

    Examples
    --------
    >>> from olmix.notices import FitWarning
    >>> warning = FitWarning("no fold determines the laws", "not_checked", {"runs": 3})
    >>> warning.kind, warning.numbers["runs"], str(warning)
    ('not_checked', 3, 'no fold determines the laws')
    """

    def __init__(self, message: str, kind: str, numbers: Mapping[str, Any]) -> None:
        super().__init__(message, kind, numbers)
        self.message = message
        self.kind = kind
        self.numbers = dict(numbers)

    def __str__(self) -> str:
        return self.message
