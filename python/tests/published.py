"""The published method in Python, written from its description: what olmix is compared with.

The reference implementation (allenai/olmix, Apache-2.0) is not on the package index, and one stops in its exact proposer for a
debugger. So its two parts are written here anew, from the paper (arXiv 2602.12237) and with the settings of its code: the
law by PyTorch's L-BFGS from 300 starts, the proposer as a cone program of CVXPY.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Huber's δ, and the starts: ten values of log c, thirty draws of t for each.
DELTA = 0.02
LOG_C = np.linspace(-2.0, 1.5, 10)
DRAWS = 30
STARTS = len(LOG_C) * DRAWS
#: Steps of the optimizer, of twenty iterations each.
STEPS = 100


def predict(parameters: Array, mixtures: Array) -> Array:
    """Losses by the law ``exp(log c) + exp(t · p)``, parameters ``[log c, t_1, …]``."""
    losses: Array = np.exp(parameters[0]) + np.exp(mixtures @ parameters[1:])
    return losses


def huber(parameters: Array, mixtures: Array, losses: Array) -> float:
    """The objective that the law minimizes: summed Huber loss."""
    missed = np.abs(predict(parameters, mixtures) - losses)
    return float(np.where(missed <= DELTA, missed**2 / 2, DELTA * (missed - DELTA / 2)).sum())


def starts(domains: int, task: int) -> list[Array]:
    """Starts of the optimizer: negative in the coordinate with the task's number, small and positive in the others."""
    generator = np.random.default_rng(42)
    found = []
    for log_c in LOG_C:
        for _ in range(DRAWS):
            t = generator.random(domains) * 0.1
            if task < domains:
                t[task] = -generator.random()
            found.append(np.concatenate([[log_c], t]))
    return found


def fit(torch: Any, mixtures: Array, losses: Array, task: int, *, tried: int, seed: int = 0) -> tuple[Array, float]:
    """Fit the law of a task from `tried` of the starts; return its parameters and the seconds that one start took."""
    generator = np.random.default_rng(seed)
    every = starts(mixtures.shape[1], task)
    chosen = every if tried >= len(every) else [every[i] for i in generator.choice(len(every), tried, replace=False)]
    x, y = (torch.tensor(values, dtype=torch.float32) for values in (mixtures, losses))
    best, least = chosen[0], np.inf
    begun = time.process_time()
    for start in chosen:
        parameters = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
        optimizer = torch.optim.LBFGS(
            [parameters], lr=0.01, history_size=10, max_iter=20, line_search_fn="strong_wolfe"
        )

        def objective(parameters: Any = parameters, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            predicted = torch.exp(parameters[0]) + torch.exp(x @ parameters[1:])
            loss = torch.nn.functional.huber_loss(y, predicted, delta=DELTA, reduction="sum")
            loss.backward()
            return loss

        for _ in range(STEPS):
            optimizer.step(objective)
        found = parameters.detach().numpy().astype(np.float64)
        reached = huber(found, mixtures, losses)
        if reached < least:
            best, least = found, reached
    return best, (time.process_time() - begun) / len(chosen)


def propose(cvxpy: Any, laws: Array, prior: Array, *, kl: float, caps: Array) -> tuple[Array, Callable[[Array], float]]:
    """Solve for the mixture of least average loss plus ``kl · KL(mixture ‖ prior)``; return it, and the objective."""
    share = cvxpy.Variable(len(prior))
    weights = np.full(len(laws), 1 / len(laws))
    loss = weights @ cvxpy.exp(laws[:, 1:] @ share)
    objective = loss + kl * cvxpy.sum(cvxpy.rel_entr(share, prior))
    problem = cvxpy.Problem(cvxpy.Minimize(objective), [share >= 0, cvxpy.sum(share) == 1, share <= caps])
    problem.solve(solver="CLARABEL")

    def value(mixture: Array) -> float:
        positive = mixture > 0
        pull = (mixture[positive] * np.log(mixture[positive] / prior[positive])).sum()
        return float(weights @ np.exp(laws[:, 1:] @ mixture) + kl * pull)

    found: Array = np.asarray(share.value, dtype=np.float64)
    return found, value
