"""Gaussian processes against scikit-learn's, on measured swarms.

    OLMIX_DATA=<folder of swarms> python3 scripts/compare/gaussian_process.py

writes docs/comparison/gaussian_process.md. scikit-learn takes some minutes.
"""

import json
import os
import pathlib
import platform
import subprocess
import time
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ["OLMIX_DATA"])
COMMAND = "OLMIX_DATA=… python3 scripts/compare/gaussian_process.py"


def regmix(tasks):
    def table(name):
        return pd.read_csv(DATA / "regmix" / f"{name}.csv", index_col="index")

    columns = np.linspace(0, 12, tasks).round().astype(int)
    y = table("train_pile_loss_1m").values[:, columns]
    return table("train_mixture_1m").values, y, table("test_mixture_1m").values


def olmix(name, tasks):
    """A fifth of the runs is predicted."""
    first = ["Unnamed: 0", "run", "name", "index"]
    ratios = pd.read_csv(DATA / "olmix" / name / "ratios.csv").drop(columns=first)
    metrics = pd.read_csv(DATA / "olmix" / name / "metrics.csv").drop(columns=first)
    columns = np.linspace(0, metrics.shape[1] - 1, tasks).round().astype(int)
    order = np.random.default_rng(0).permutation(len(ratios))
    aside, rest = np.split(order, [len(order) // 5])
    return ratios.values[rest], metrics.values[rest][:, columns], ratios.values[aside]


def ours(x, y, at):
    command = ["cargo", "run", "--release", "--quiet", "-p", "olmix"]
    command += ["--example", "compare_gaussian_process"]
    text = json.dumps({"x": x.tolist(), "y": y.tolist(), "at": at.tolist()})
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=True)
    return json.loads(done.stdout)


def theirs(x, y, at):
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(1.0, (1e-2, 1e2)) + WhiteKernel(0.1, (1e-5, 1e1))
    process = GaussianProcessRegressor(
        kernel=kernel, n_restarts_optimizer=10, normalize_y=True, random_state=0
    )
    start = time.perf_counter()
    process.fit(x, y)
    seconds = time.perf_counter() - start
    return process.log_marginal_likelihood_value_, process.predict(at), seconds


def compare(swarm, x, y, at):
    report = ours(x, y, at)
    likelihoods, predictions, seconds = [], [], 0.0
    for task, own in enumerate(report["tasks"]):
        likelihood, predicted, spent = theirs(x, y[:, task], at)
        seconds += spent
        likelihoods.append(own["log_likelihood"] - likelihood)
        if abs(likelihoods[-1]) < 1e-2:
            apart = np.abs(np.array(own["predicted"]) - predicted) / np.abs(predicted)
            predictions.append(apart.max())
    likelihoods = np.array(likelihoods)
    cells = [swarm, f"{x.shape[0]} × {x.shape[1]}", y.shape[1], f"{likelihoods.min():.1e}"]
    cells += [f"{likelihoods.max():.1e}", int((likelihoods > 1e-2).sum())]
    cells += [f"{len(predictions)}", f"{max(predictions, default=np.nan):.1e}"]
    cells += [f"{seconds:.1f}", f"{report['seconds']:.2f}"]
    print(cells, flush=True)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main():
    swarms = [
        ("dclm", *olmix("dclm", 40)),
        ("RegMix", *regmix(4)),
        ("full_recomputation", *olmix("full_recomputation", 3)),
    ]
    rows = [compare(*swarm) for swarm in swarms]
    text = f"""# Gaussian processes against scikit-learn

Made by `{COMMAND}` with scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python
{platform.python_version()}, on a 2-core {platform.machine()} machine. Constant × RBF + white noise, normalized losses,
scikit-learn from 10 restarts; ours has none. Differences of log likelihood are ours less scikit-learn's: negative where ours
is lower. Predictions are of other mixtures (RegMix's test mixtures, a fifth of the runs elsewhere), compared where
the likelihoods agree to 0.01. Columns are spread evenly over those of the swarm where not all were taken.

| swarm | runs × domains | columns | least difference of log likelihood | greatest | ours higher by > 0.01 | columns compared | largest relative difference of predictions | seconds | our seconds |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
    path = ROOT / "docs" / "comparison" / "gaussian_process.md"
    path.write_text(text + "\n".join(rows) + "\n")


main()
