"""Mixtures within bounds as points of a cube, in which samplers search.

Sticks are broken: of `m` domains, the first takes a part of the whole, the next a part of what is left, and the
last has the rest. A coordinate in [0, 1] says which part, between the least and the most that the bounds leave:

- There are `m - 1` coordinates for the `m - 1` degrees of freedom. With a coordinate for each domain, and a division by
  their sum, as Optuna's FAQ draws from a Dirichlet distribution, a whole line of points is the same mixture. A model
  of the loss would have to learn that.
- Every mixture within the bounds is a point, and every point a mixture within the bounds: nothing is rejected.
- Without upper bounds, uniform coordinates are uniform mixtures: there the share of one of `n + 1` domains is
  distributed as Beta(1, n), and coordinates are equal steps of its distribution function 1 - (1 - x)^n. With
  upper bounds that is cut off at these, and so only close to uniform.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .._checks import RESERVED, is_name
from ..errors import InfeasibleError, InputError

__all__ = ["Simplex"]


class Simplex:
    """Mixtures of some domains within bounds.

    Parameters
    ----------
    domains : sequence of str
        Names, each once.
    bounds : mapping of str to (float or None, float or None)
        Least and largest shares of some of them.
    """

    def __init__(
        self, domains: Sequence[str], bounds: Mapping[str, tuple[float | None, float | None]] | None = None
    ) -> None:
        bounds = bounds or {}
        if isinstance(domains, str) or len(domains) == 0:
            raise InputError(f"{domains!r} are no domains", file="domains", help="give a list of their names")
        for name in domains:
            if not is_name(name) or name in RESERVED:
                raise InputError(f"{name!r} is no name of a domain", file="domains", help="name it otherwise")
        if len(set(domains)) < len(domains):
            twice = next(name for name in domains if list(domains).count(name) > 1)
            raise InputError("the domain is named twice", file="domains", place=twice, help="name every domain once")
        for name in bounds:
            if name not in domains:
                raise InputError("there is no such domain", file="bounds", place=str(name), help="check its name")
        self.domains: tuple[str, ...] = tuple(domains)
        pairs = [_bound(name, *bounds.get(name, (None, None))) for name in self.domains]
        self.least: tuple[float, ...] = tuple(least for least, _ in pairs)
        self.most: tuple[float, ...] = tuple(most for _, most in pairs)
        for total, wrong, word in [
            (math.fsum(self.least), math.fsum(self.least) > 1 + 1e-12, "least"),
            (math.fsum(self.most), math.fsum(self.most) < 1 - 1e-12, "largest"),
        ]:
            if wrong:
                help = "lower some" if word == "least" else "raise some"
                raise InfeasibleError(f"the {word} shares sum to {total:g}", file="bounds", help=help)

    def mixture(self, point: Sequence[float]) -> dict[str, float]:
        """The mixture of a point with `m - 1` coordinates in [0, 1]; within the bounds to the last bit."""
        left, shares = self._slack(), dict[str, float]()
        for at, name in enumerate(self.domains):
            low, high = self._range(at, left)
            later = len(self.domains) - 1 - at
            part = left
            if later > 0 and left > 0:
                begin, end = (1 - low / left) ** later, (1 - high / left) ** later
                part = left * (1 - (begin + point[at] * (end - begin)) ** (1 / later))
            part = min(max(part, low), high)
            shares[name] = min(max(self.least[at] + part, self.least[at]), self.most[at])
            left = max(left - part, 0.0)
        return shares

    def point(self, mixture: Mapping[str, float]) -> list[float]:
        """The point of a mixture that sums to 1; the inverse of `mixture`."""
        total = math.fsum(mixture.values())
        for name, share in mixture.items():
            if name not in self.domains:
                raise InputError("there is no such domain", file="mixture", place=name, help="name it among `domains`")
            at = self.domains.index(name)
            if not self.least[at] - 1e-9 <= share / total <= self.most[at] + 1e-9:
                within = f"{self.least[at]:g} to {self.most[at]:g}"
                raise InputError(f"a share of {share:g}, outside of {within}", file="mixture", place=name)
        left, point = self._slack(), list[float]()
        for at, name in enumerate(self.domains[:-1]):
            low, high = self._range(at, left)
            later = len(self.domains) - 1 - at
            part = min(max(mixture.get(name, 0.0) / total - self.least[at], low), high)
            begin, end = ((1 - x / left) ** later if left > 0 else 1.0 for x in (low, high))
            here = (1 - part / left) ** later if left > 0 else 1.0
            point.append(min(max((here - begin) / (end - begin), 0.0), 1.0) if begin > end else 0.0)
            left = max(left - part, 0.0)
        return point

    def _slack(self) -> float:
        """What is left of the whole after the least shares."""
        return max(1 - math.fsum(self.least), 0.0)

    def _range(self, at: int, left: float) -> tuple[float, float]:
        """What a domain may take of what is left, so that the later ones can take the rest."""
        own = self.most[at] - self.least[at]
        later = math.fsum(m - l for l, m in zip(self.least[at + 1 :], self.most[at + 1 :]))
        high = min(own, left)
        return min(max(left - later, 0.0), high), high


def _bound(name: str, least: float | None, most: float | None) -> tuple[float, float]:
    low, high = 0.0 if least is None else float(least), 1.0 if most is None else float(most)
    if not 0 <= low <= high <= 1:
        raise InputError(
            f"from {low:g} to {high:g} is no range of a share",
            file="bounds",
            place=name,
            help="give a least and a largest share between 0 and 1, or None",
        )
    return low, high
