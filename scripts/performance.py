"""Training throughput of the built-in trainer against PyTorch on the same model, interleaved in one run; and of the sampler.

    python scripts/performance.py [--sizes demo 1m 15m] [--threads 2] [--rounds 5] [--seconds 10]

Run alone on the machine, with a Python that has torch and numpy. Writes docs/performance.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ["cargo", "build", "--release", "-p", "olmix", "-p", "olmix-proxy", "--examples", "--bins"]
# Sequences at once for PyTorch: tried from small to large, the fastest is taken.
MICRO = {"demo": [4, 8, 16, 32], "1m": [4, 8, 16, 32], "15m": [2, 4, 8, 16]}


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def line(command):
    # Two threads that one library's environment variable would tie down are no two threads.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    found = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, env=environment)
    return json.loads(found.stdout.strip().splitlines()[-1])


def ours(size, threads, seconds):
    return line([target() / "examples/throughput", size, threads, seconds])


def sampled(context, threads):
    found = line([target() / "examples/sampler", context, threads])
    return f"| {context:,} | {threads} | {found['tokens_per_second'] / 1e6:,.0f} M | {found['tokens_drawn_per_second'] / 1e6:,.0f} M |"


def prepared(folder, size):
    """A run of the built-in trainer's shape and recipe for this size."""
    folder = Path(folder)
    (folder / "noise.bin").write_bytes(os.urandom(4 << 20))
    config = {
        "name": "performance",
        "training": {"proxy_model_id": size, "tokenizer": "bytes"},
        "data": {"dtype": "uint16", "sources": [{"name": "noise", "paths": [str(folder / "noise.bin")]}]},
        "mix": {"noise": 1.0},
    }
    (folder / "launch.yaml").write_text(json.dumps(config))
    # Bytes above the vocabulary of bytes: tokens of two bytes, the high one zero.
    data = bytearray((folder / "noise.bin").read_bytes())
    data[1::2] = bytes(len(data) // 2)
    (folder / "noise.bin").write_bytes(data)
    subprocess.run([target() / "olmix", "proxy", "prepare", "--config", folder / "launch.yaml", "--out", folder / "run", "--quiet"], check=True)
    return folder / "run"


def torch(run, threads, seconds, micro):
    script = ROOT / "trainers/torch/scripts/throughput.py"
    return line([sys.executable, script, "--run", run, "--threads", threads, "--seconds", seconds, "--micro-batch", micro])


def measure(size, options):
    with tempfile.TemporaryDirectory() as folder:
        run = prepared(folder, size)
        tried = {micro: torch(run, options.threads, min(options.seconds, 5), micro)["tokens_per_second"] for micro in MICRO[size]}
        micro = max(tried, key=tried.get)
        rows = []
        for _ in range(options.rounds):
            mine = ours(size, options.threads, options.seconds)
            theirs = torch(run, options.threads, options.seconds, micro)["tokens_per_second"]
            rows.append((mine, theirs))
            print(size, micro, mine, theirs, flush=True)
    return micro, rows


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def version():
    import torch as library

    return library.__version__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["demo", "1m", "15m"], choices=MICRO)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    subprocess.run(BUILD, check=True, cwd=ROOT)
    table = []
    for size in options.sizes:
        micro, rows = measure(size, options)
        middle = lambda values: statistics.median(list(values))
        table.append(
            f"| `{size}` | {middle(m['tokens_per_second'] for m, _ in rows):,.0f} | {middle(t for _, t in rows):,.0f} (micro-batch {micro}) "
            f"| {middle(m['tokens_per_second'] / t for m, t in rows):.2f}× "
            f"({min(m['tokens_per_second'] / t for m, t in rows):.2f} to {max(m['tokens_per_second'] / t for m, t in rows):.2f}) "
            f"| {middle(m['products_alone'] for m, _ in rows):,.0f} | {100 * middle(m['share_of_products'] for m, _ in rows):.0f} % "
            f"| {middle(m['gflops'] for m, _ in rows):.0f} |"
        )
    sampler = [sampled(context, threads) for context in (128, 1024) for threads in sorted({1, options.threads})]
    template = (ROOT / "scripts/performance.md.in").read_text()
    text = template.format(
        table="\n".join(table),
        sampler="\n".join(sampler),
        cpu=cpu(),
        threads=options.threads,
        rounds=options.rounds,
        seconds=options.seconds,
        torch=version(),
    )
    (ROOT / "docs/performance.md").write_text(text)
    print(text)


main()
