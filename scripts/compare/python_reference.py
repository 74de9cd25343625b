"""The published method in Python against olmix: 4 tasks of 127 measured runs over 24 domains, fitted and solved.

    OLMIX_DATA=<folder of swarms> python scripts/compare/python_reference.py [--starts 30] [--output FILE]

Run it with a Python that has olmix (a release build: scripts/build-wheel.sh), pandas, torch and cvxpy. The published law starts
300 times; --starts says how many of these are run and timed, and the time of all is from theirs. Times are of processors, so
that other work on the machine is not counted. PyTorch has one thread, as it is faster with one on such small tables; of olmix,
the time of all its threads counts, and it reads the data frames within it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import cvxpy
import numpy as np
import pandas as pd
import torch

import olmix

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "tests"))
import published  # noqa: E402

TASKS = [
    "arc_challenge:rc::olmes",
    "basic_skills_string_operations:rc::olmes",
    "medqa_en:rc::none",
    "minerva_math_intermediate_algebra::olmes",
]
R, K, KL = 4e12, 4, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=30)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    folder = Path(os.environ["OLMIX_DATA"]) / "olmix" / "dclm"
    other = ["Unnamed: 0", "name", "index"]
    ratios = pd.read_csv(folder / "ratios.csv").drop(columns=other)
    metrics = pd.read_csv(folder / "metrics.csv").drop(columns=other)
    warnings.simplefilter("ignore", olmix.notices.OlmixWarning)
    known = olmix.fit(str(folder / "fit.yaml"), folds=0).content["domains"]
    tokens = {domain["name"]: domain["tokens"] for domain in known}
    prior = {domain["name"]: domain["prior"] for domain in known}
    chosen = metrics[["run", *TASKS]]

    torch.set_num_threads(1)

    def ours() -> tuple[olmix.Fit, olmix.Mix]:
        swarm = olmix.Swarm(ratios, chosen, tokens=tokens, prior=prior)
        fit = olmix.fit(swarm, law="log_linear", folds=0)
        return fit, fit.propose(target_tokens=R, repetition=K, kl=KL, bootstrap=0)

    ours()
    times = []
    for _ in range(9):
        begun = time.process_time()
        fit, mix = ours()
        times.append(time.process_time() - begun)
    seconds = float(np.median(times))

    domains = [name for name in ratios if name != "run"]
    mixtures = ratios[domains].to_numpy()
    laws = np.array([[law.parameters["log_c"], *law.parameters["t"]] for law in fit.laws.values()])
    lines = [
        "# The published method in Python",
        "",
        f"`scripts/compare/python_reference.py --starts {asked.starts}`: 4 tasks of 127 measured runs over 24 domains, from data frames to",
        "laws and the mixture, by the method of the reference implementation as `python/tests/published.py` has it, and by olmix.",
        "",
        "| task | published | its loss | olmix's loss |", "| --- | --- | --- | --- |",
    ]
    theirs = []
    for task, law in zip(fit.tasks, laws, strict=True):
        losses = metrics[task].to_numpy()
        number = list(metrics.columns).index(task) - 1
        found, each = published.fit(torch, mixtures, losses, number, tried=asked.starts)
        theirs.append(each * published.STARTS)
        reached = [published.huber(parameters, mixtures, losses) for parameters in (found, law)]
        lines.append(f"| {task} | {theirs[-1]:.1f} s | {reached[0]:.6f} | {reached[1]:.6f} |")
    shares = np.array([prior[name] for name in domains])
    caps = np.array([K * tokens[name] / R for name in domains])
    begun = time.process_time()
    weights, _ = published.propose(cvxpy, laws, shares, kl=KL, caps=caps)
    solved = time.process_time() - begun
    apart = np.abs(weights - np.array([mix.weights[name] for name in domains])).max()
    whole = sum(theirs) + solved
    lines += [
        "",
        f"Published: {sum(theirs):.1f} s for the laws ({min(asked.starts, published.STARTS)} of {published.STARTS} starts run),"
        f" {solved:.3f} s for the mixture. olmix: {seconds:.4f} s for both (median of 9): {whole / seconds:,.0f} times as fast. Seconds of processors.",
        f"Weights differ by at most {apart:.1e}.",
        "",
        f"Python {platform.python_version()}, torch {torch.__version__}, cvxpy {version('cvxpy')}, {os.cpu_count()} cores.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.output:
        asked.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
