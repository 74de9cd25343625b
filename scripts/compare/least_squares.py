"""BiMix and AutoScale against SciPy's least_squares, on measured swarms.

    OLMIX_DATA=<folder of swarms> python3 scripts/compare/least_squares.py

writes docs/comparison/least_squares.md. SciPy runs as in the Python reference implementation: from
its start, with numerical derivatives and default tolerances. It takes some minutes.
"""

import json
import os
import pathlib
import platform
import subprocess
import time

import numpy as np
import pandas as pd
import scipy
from scipy.optimize import least_squares

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ["OLMIX_DATA"])
COMMAND = "OLMIX_DATA=… python3 scripts/compare/least_squares.py"
EPSILON = 1e-12


def regmix():
    def table(name):
        return pd.read_csv(DATA / "regmix" / f"{name}.csv", index_col="index")

    return table("train_mixture_1m").values, table("train_pile_loss_1m").values


def olmix(name, tasks):
    first = ["Unnamed: 0", "run", "name", "index"]
    ratios = pd.read_csv(DATA / "olmix" / name / "ratios.csv").drop(columns=first)
    metrics = pd.read_csv(DATA / "olmix" / name / "metrics.csv").drop(columns=first)
    columns = np.linspace(0, metrics.shape[1] - 1, tasks).round().astype(int)
    return ratios.values, metrics.values[:, columns]


def bimix(x, y):
    m = x.shape[1]
    clipped = np.clip(x, EPSILON, 1)
    start = np.r_[np.full(m, y.mean() / m), np.ones(m)]

    def residuals(t):
        return (t[:m] * clipped ** -t[m:]).sum(axis=1) - y

    return residuals, start, (np.zeros(2 * m), np.full(2 * m, np.inf))


def autoscale(x, y, tokens):
    m = x.shape[1]
    start = np.r_[np.full(m, 1 / m), np.full(m, 0.5), 0.1 * y.min()]

    def residuals(t):
        return ((tokens * (t[:m] + x)) ** -t[m:-1]).sum(axis=1) + t[-1] - y

    low = np.r_[np.full(2 * m, EPSILON), 0]
    high = np.r_[np.full(2 * m, np.inf), y.min()]
    return residuals, start, (low, high)


def ours(law, x, y, tokens):
    command = ["cargo", "run", "--release", "--quiet", "-p", "olmix"]
    command += ["--example", "compare_least_squares"]
    text = json.dumps({"law": law, "tokens": tokens, "x": x.tolist(), "y": y.tolist()})
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=True)
    return json.loads(done.stdout)


def compare(law, swarm, x, y, tokens):
    live = x.max(axis=0) > 0
    report = ours(law, x, y, tokens)
    differences, seconds = [], 0.0
    for task in range(y.shape[1]):
        column = y[:, task]
        inputs = (x[:, live], column) if law == "bimix" else (x[:, live], column, tokens)
        residuals, start, bounds = (bimix if law == "bimix" else autoscale)(*inputs)
        begun = time.perf_counter()
        with np.errstate(all="ignore"):
            found = least_squares(residuals, start, bounds=bounds, max_nfev=50_000)
        seconds += time.perf_counter() - begun
        differences.append(report["half_squares"][task] / found.cost - 1)
    differences = np.array(differences)
    higher = int((differences > 1e-6).sum())
    lower = int((differences < -1e-6).sum())
    cells = [law, swarm, f"{x.shape[0]} × {live.sum()}", y.shape[1], higher, lower]
    cells += [f"{differences.max():.1e}", f"{np.median(differences):.1e}", f"{differences.min():.1e}"]
    cells += [f"{seconds:.1f}", f"{report['seconds']:.2f}"]
    print(cells, flush=True)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main():
    swarms = [
        ("RegMix", *regmix(), 1e9),
        ("dclm", *olmix("dclm", 12), 1e12),
        ("full_recomputation", *olmix("full_recomputation", 2), 1e12),
    ]
    rows = [compare(law, *swarm) for swarm in swarms for law in ("bimix", "autoscale")]
    text = f"""# BiMix and AutoScale against SciPy

Made by `{COMMAND}` with SciPy {scipy.__version__}, NumPy {np.__version__}, Python {platform.python_version()},
on a 2-core {platform.machine()} machine; SciPy's `least_squares` (trust region reflective, numerical Jacobian) from
the reference's start, ours from that start and from smaller exponents, two threads. Differences are of the
final sum of squares, ours over SciPy's, less 1: negative where ours is lower. Columns are spread evenly over
those of the swarm where not all were taken.

| law | swarm | runs × domains | columns | ours higher by > 1e-6 | ours lower by > 1e-6 | worst | median | best | seconds | our seconds |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
    path = ROOT / "docs" / "comparison" / "least_squares.md"
    path.write_text(text + "\n".join(rows) + "\n")


main()
