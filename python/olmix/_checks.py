"""Checks of what is given to recorders and studies."""

from __future__ import annotations

import math
import operator
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import SupportsFloat, SupportsIndex

from ._files import has_control
from .errors import InputError

__all__ = [
    "RESERVED",
    "checked_globs",
    "checked_mixture",
    "checked_number",
    "checked_step",
    "is_name",
    "process_rank",
]

#: Columns that readers of tables do not take for metrics.
RESERVED = ("", "run", "run_id", "name", "index")


def checked_mixture(mixture: Mapping[str, SupportsFloat], *, of: str = "mixture") -> dict[str, float]:
    """Check that a mixture is one, and return it with plain numbers, in the order given.

    Parameters
    ----------
    mixture : mapping of str to number
        Share of every domain: finite, at least 0; together 1 within 0.01. They are not scaled.
    of : str
        What errors call the mixture.

    Raises
    ------
    olmix.errors.InputError
        A name or share that can't be used, with the domain.

    Examples
    --------
    >>> from olmix.recording import checked_mixture
    >>> checked_mixture({"web": 0.7, "code": 0.3})
    {'web': 0.7, 'code': 0.3}
    """
    shares: dict[str, float] = {}
    for domain, share in mixture.items():
        if not is_name(domain):
            raise InputError(
                f"{domain!r} is no name of a domain",
                file=of,
                help="give a text without line breaks and control characters",
            )
        shares[domain] = number = checked_number(share, of, domain)
        if not 0 <= number < math.inf:
            raise InputError(f"a share of {number:g}", file=of, place=domain, help="give a share from 0 to 1")
    total = math.fsum(shares.values())
    if abs(total - 1) > 0.01:
        help = "divide percents by 100" if abs(total - 100) <= 1 else "give the shares of all domains"
        raise InputError(f"the shares sum to {total:g}, not to 1", file=of, help=help)
    return shares


def is_name(name: object) -> bool:
    """Whether something is a text that tables, scripts and configurations can hold."""
    return isinstance(name, str) and name != "" and not has_control(name)


def process_rank() -> int:
    """Return the rank of this process among those that train one run; 0 where it trains alone.

    It is asked of `torch.distributed` where that is in use, and otherwise is the environment's `RANK`,
    which `torchrun`, `accelerate` and DeepSpeed set. Ranks of Slurm and MPI do not count: one `srun` may
    start many runs.

    Examples
    --------
    >>> from olmix.recording import process_rank
    >>> process_rank()
    0
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank())
    text = os.environ.get("RANK", "0")
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{text!r} is no rank", file="RANK", help="unset it, or give RunRecorder a `rank`") from None


def checked_globs(globs: Sequence[str], of: str) -> tuple[str, ...]:
    if isinstance(globs, str):
        raise InputError("a text where a list of globs is wanted", place=of, help=f"write {of}=[{globs!r}]")
    return tuple(globs)


def checked_step(step: SupportsIndex) -> int:
    try:
        found = -1 if isinstance(step, bool) else operator.index(step)
    except TypeError:
        found = -1
    if found < 0:
        raise InputError(f"{step!r} is no step", help="give a whole number that is not negative")
    return found


def checked_number(value: SupportsFloat, file: str, place: str) -> float:
    if not isinstance(value, (str, bytes, bool)):
        try:
            # A tensor that gradients flow through warns when it is turned into a number.
            detach: Callable[[], SupportsFloat] | None = getattr(value, "detach", None)
            return float(value if detach is None else detach())
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass
    raise InputError(f"{value!r} is no number", file=file, place=place, help="give a number, or a tensor of one")
