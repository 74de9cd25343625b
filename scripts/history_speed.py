"""Times every command of a project with a long history: 1,000 versions and 100,000 runs.

    python3 scripts/history_speed.py [--versions 1000] [--runs 100000] [--rounds 5]

needs `cargo build --release` and `cargo build --release -p olmix-project --example large_history` before it. Prints the
median and the slowest of the rounds, in milliseconds.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        began = time.time()
        make = [TARGET / "examples/large_history", folder, str(options.versions), str(options.runs)]
        subprocess.run(make, check=True)
        size = sum(file.stat().st_size for file in (folder / ".olmix").iterdir())
        print(f"{options.versions} versions, {options.runs} runs: {size / 1e6:.0f} MB, made in {time.time() - began:.0f} s")
        measure(folder, options)


def measure(folder, options):
    def olmix(*words):
        return subprocess.run([TARGET / "olmix", *words], cwd=folder, capture_output=True, text=True)

    last = json.loads(olmix("show", "domains", "--json").stdout)["content"]["domains"]
    weights = {domain["name"]: 1 for domain in last}
    (folder / "given.json").write_text(json.dumps(weights))
    (folder / "given2.json").write_text(json.dumps(weights | {"fresh-domain": 1}))
    commands = {
        "log": ["log"],
        "log --all": ["log", "--all"],
        "log --all --json": ["log", "--all", "--json"],
        "show main": ["show", "main"],
        "show swarm@500": ["show", f"swarm@{max(options.versions // 2, 1)}"],
        "show by hash": ["show", json.loads(olmix("show", "fit@2", "--json").stdout)["hash"][:10]],
        "diff main@1 main": ["diff", "main@1", "main"],
        "diff domains@1 domains": ["diff", "domains@1", "domains"],
        "tag": ["tag", "release", "main"],
        "commit": ["commit", "given.json", "--line", "other"],
        "plan (removal and add)": ["plan", "--from", f"main@{max(options.versions - 1, 1)}"],
        "launch status": ["launch", "status", "--ledger", ".olmix/ledger.sqlite", "--out", f"swarm-{options.versions - 1}/runs"],
        "verify": ["verify"],
    }
    for what, words in commands.items():
        times = []
        for _ in range(options.rounds):
            began = time.perf_counter()
            done = olmix(*words)
            times.append(1e3 * (time.perf_counter() - began))
            if done.returncode not in (0, 1):
                raise SystemExit(f"{what}: {done.stderr}")
        print(f"{what:26} {sorted(times)[len(times) // 2]:7.1f} ms, slowest {max(times):7.1f}")
    times = []
    for number in range(options.rounds):
        began = time.perf_counter()
        done = olmix("update", "add", f"extra-{number}=1000000")
        times.append(1e3 * (time.perf_counter() - began))
        assert done.returncode == 0, done.stderr
    print(f"{'update add':26} {sorted(times)[len(times) // 2]:7.1f} ms, slowest {max(times):7.1f}")


main()
