"""How much of each kind of data a language model should be trained on.

Fit a law per task from the mixtures and losses of many small runs, and solve for the best mixture under what data there
is. The method is that of Olmix (arXiv 2602.12237).

    >>> import olmix
    >>> swarm = olmix.examples.swarm()
    >>> fit = olmix.fit(swarm)
    >>> mix = fit.propose(target_tokens=1e10, repetition=4)
    >>> max(mix.weights, key=mix.weights.get)
    'code'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors, examples, notices
from ._collect import collect
from ._fit import Fit
from ._fitted_law import FittedLaw
from ._fitting import fit
from ._generate import Draws, generate, next_runs
from ._law import Law
from ._mix import Mix
from ._project import Plan, Project, plan
from ._read_mixture import read_mixture
from ._swarm import Swarm
from ._tables import Table

if TYPE_CHECKING:
    from .recording import RunRecorder

__version__ = "0.1.0"

__all__ = [
    "Draws",
    "Fit",
    "FittedLaw",
    "Law",
    "Mix",
    "Plan",
    "Project",
    "RunRecorder",
    "Swarm",
    "Table",
    "collect",
    "errors",
    "examples",
    "fit",
    "generate",
    "next_runs",
    "notices",
    "plan",
    "read_mixture",
]


def __getattr__(name: str) -> object:
    # Training loops need it, and nothing else does.
    if name == "RunRecorder":
        from .recording import RunRecorder

        return RunRecorder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
