"""Times the Python package against the Rust benchmark in one run: what the way through Python costs.

    cargo bench -p olmix --bench python --no-run && scripts/build-wheel.sh && pip install target/wheels/olmix-*.whl pandas
    python scripts/python_speed.py --bench 'cargo bench --quiet -p olmix --bench python'

Needs the measured swarms (OLMIX_DATA). Prints medians of the same work in both, alternating, and their ratios.
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
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    data = Path(os.environ["OLMIX_DATA"]) / "olmix" / "dclm"
    rust: dict[str, list[float]] = {}
    python: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        told = subprocess.run(shlex.split(options.bench), capture_output=True, text=True, check=True).stdout
        for line in told.splitlines():
            name, _, seconds = line.partition(": ")
            if seconds.endswith(" ms"):
                rust.setdefault(name, []).append(float(seconds[:-3]))
        for name, milliseconds in in_python(data).items():
            python.setdefault(name, []).append(milliseconds)
    print(f"{'':40} {'Rust':>10} {'Python':>10}  ratio")
    for name, times in python.items():
        ours = statistics.median(times)
        if name not in rust:
            print(f"{name:40} {'':>10} {ours:7.1f} ms")
            continue
        theirs = statistics.median(rust[name])
        print(f"{name:40} {theirs:7.1f} ms {ours:7.1f} ms  {ours / theirs:.2f}")


def in_python(data: Path) -> dict[str, float]:
    """The times of one fresh process, in milliseconds."""
    code = f"""
import time, warnings
begun = time.perf_counter()
import olmix
print("import olmix", 1e3 * (time.perf_counter() - begun))
import numpy as np, pandas as pd, yaml
warnings.simplefilter("ignore")
config = yaml.safe_load(open({str(data / "fit.yaml")!r}))
ratios = pd.read_csv({str(data)!r} + "/" + config["swarm"]["ratios"])
metrics = pd.read_csv({str(data)!r} + "/" + config["swarm"]["metrics"])
priors = config["priors"]
swarm = olmix.Swarm(ratios, metrics, prior=priors["relative_sizes"], tokens=priors.get("token_counts"))
def least(what, count):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        what()
        times.append(1e3 * (time.perf_counter() - begun))
    return sorted(times)[len(times) // 2]
drop = config["filtering"]["drop_metrics"]
caps = config["constraints"]
fit = lambda: olmix.fit(swarm, law="log_linear", folds=0, drop=drop, progress=False)
print("fit and propose", least(lambda: fit().propose(
    target_tokens=caps["target_tokens"], repetition=caps["repetition_factor"], bootstrap=0, progress=False), 11))
laws = fit()
x = np.random.default_rng(0).dirichlet(np.ones(len(laws.domains)), 1_000_000)
print("predict a million mixtures", least(lambda: laws.predict(x), 3))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in told.splitlines()}


if __name__ == "__main__":
    begun = time.monotonic()
    main()
    print(f"in {time.monotonic() - begun:.0f} s")
