"""Times the Python package against the Rust benchmark in one run: what the way through Python costs.

    cargo bench -p olmix-python --bench rust --no-run && scripts/build-wheel.sh && pip install target/wheels/olmix-*.whl pandas pyyaml
    python scripts/python_speed.py --bench 'cargo bench --quiet -p olmix-python --bench rust'

Needs the measured swarms (OLMIX_DATA). Prints the same work in both, alternating, with the ratio: medians of the time that passed, and
the least time of processors over the rounds, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="the command of the Rust benchmark")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    data = Path(os.environ["OLMIX_DATA"]) / "olmix" / "dclm"
    rust: dict[str, list[tuple[float, float]]] = {}
    python: dict[str, list[tuple[float, float]]] = {}
    for _ in range(options.rounds):
        told = subprocess.run(shlex.split(options.bench), capture_output=True, text=True, check=True).stdout
        for name, times in read(told).items():
            rust.setdefault(name, []).append(times)
        for name, times in in_python(data).items():
            python.setdefault(name, []).append(times)
    for heading, at, typical in (("time", 0, statistics.median), ("processors", 1, min)):
        print(f"{heading:40} {'Rust':>10} {'Python':>10}  ratio")
        for name, times in python.items():
            ours = typical([time[at] for time in times])
            if name not in rust:
                print(f"{name:40} {'':>10} {ours:7.1f} ms")
                continue
            theirs = typical([time[at] for time in rust[name]])
            print(f"{name:40} {theirs:7.1f} ms {ours:7.1f} ms  {ours / theirs:.2f}")


def read(told: str) -> dict[str, tuple[float, float]]:
    """What was timed, in milliseconds: passed, and of processors."""
    lines = [line.partition(": ") for line in told.splitlines() if ": " in line]
    found = {name: times.split() for name, _, times in lines}
    return {name: (float(times[0]), float(times[1])) for name, times in found.items()}


def in_python(data: Path) -> dict[str, tuple[float, float]]:
    """The times of one fresh process."""
    code = f"""
import time, warnings
def told(name, what, count):
    passed, worked = [], []
    for _ in range(count):
        begun, before = time.perf_counter(), time.process_time()
        what()
        worked.append(1e3 * (time.process_time() - before))
        passed.append(1e3 * (time.perf_counter() - begun))
    print(f"{{name}}: {{sorted(passed)[count // 2]}} {{sorted(worked)[count // 2]}}")
told("import olmix", lambda: __import__("olmix"), 1)
import olmix
import numpy as np, pandas as pd, yaml
warnings.simplefilter("ignore")
config = yaml.safe_load(open({str(data / "fit.yaml")!r}))
ratios = pd.read_csv({str(data)!r} + "/" + config["swarm"]["ratios"])
metrics = pd.read_csv({str(data)!r} + "/" + config["swarm"]["metrics"])
priors = config["priors"]
swarm = olmix.Swarm(ratios, metrics, prior=priors["relative_sizes"], tokens=priors.get("token_counts"))
drop = config["filtering"]["drop_metrics"]
caps = config["constraints"]
fit = lambda: olmix.fit(swarm, law="log_linear", folds=0, drop=drop, progress=False)
told("fit and propose", lambda: fit().propose(
    target_tokens=caps["target_tokens"], repetition=caps["repetition_factor"], bootstrap=0, progress=False), 11)
laws = fit()
x = np.random.default_rng(0).dirichlet(np.ones(len(laws.domains)), 1_000_000)
told("predict a million mixtures", lambda: laws.predict(x), 3)
"""
    return read(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    begun = time.monotonic()
    main()
    print(f"in {time.monotonic() - begun:.0f} s")
