"""The demo with many seeds: how often, and by how much, the proposed mixture beats the natural one on the larger model.

    python scripts/demo_seeds.py [--seeds 10] [--olmix target/release/olmix]

Run alone on the machine. Writes docs/demo.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def demo(program, seed):
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        command = [program, "demo", "--seed", str(seed), "--output", f"{folder}/demo", "--json"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(told), time.monotonic() - start


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def row(seed, told, seconds):
    match = told["steps_to_match"]
    times = f"{told['steps'] / match:.1f}×" if match else "–"
    return (
        f"| {seed} | {told['natural']:.4f} | {told['proposed']:.4f} | {100 * told['gain']:.1f} % "
        f"| {100 * told['predicted_gain']:.1f} % | {match or '–'} of {told['steps']} | {times} | {seconds:.0f} |"
    )


def write(runs):
    won = sum(told["gain"] > 0 for _, told, _ in runs)
    gains = [100 * told["gain"] for _, told, _ in runs]
    lines = [
        "# The demo with many seeds",
        "",
        f"`python scripts/demo_seeds.py --seeds {len(runs)}` on {os.cpu_count()} cores of {cpu()}. Data, tasks, swarm and every",
        "model differ with the seed. Losses are bits per byte of the larger model at its end, averaged over tasks, by the definition of",
        "[launch-config.md](launch-config.md#eval).",
        "",
        f"The proposed mixture was better with {won} of {len(runs)} seeds; its loss was {statistics.median(gains):.1f} % lower in the median "
        f"({min(gains):.1f} to {max(gains):.1f} %). *Steps to match* is how many steps the model on the proposed mixture needs for the final loss "
        "of the model on the natural mixture.",
        "",
        "| seed | natural | proposed | lower by | predicted from small models | steps to match | speed-up | seconds |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *[row(*run) for run in runs],
    ]
    (ROOT / "docs/demo.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--olmix", default=str(ROOT / "target/release/olmix"))
    options = parser.parse_args()
    runs = []
    for seed in range(options.seeds):
        told, seconds = demo(options.olmix, seed)
        runs.append((seed, told, seconds))
        print(row(seed, told, seconds), flush=True)
        # The page is complete after every seed.
        write(runs)


main()
