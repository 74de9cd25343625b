"""Processor time and peak memory of olmix's commands beside those of an earlier revision, on this machine.

    python scripts/speed.py --against REV [--only ROW ...] [--rounds 1] [--limit 900] [--data FOLDER]

Builds REV and the checkout in release, runs every row with both in turn, and prints a table in Markdown. Processor
time (of all threads, user and system) is less disturbed by other work than wall time. A row that takes more than
--limit seconds of it is ended, and counts as "over". Results are compared as well: `same` where both printed the same
bits. What the checkout took is recorded for each machine in --cache (`$XDG_CACHE_HOME/olmix-speed`, else
`~/.cache/olmix-speed`); rows that became slower than the last record by more than a tenth are named at the end, and
the script then ends with status 1.

With `--instructions` the rows of the checkout run under valgrind's callgrind, where it is installed: numbers of
instructions, which no other work disturbs, take the place of seconds in the record.

Rows on measured swarms need `--data` (OLMIX_DATA, else ../shared/data) and are left out without it.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = "crates/olmix/examples/speed.rs"
# A row is slower than its record beyond this ratio; shorter rows are noise.
SLOWER, LEAST_SECONDS = 1.1, 0.05


def rows(data, work):
    """Name, what it is, and the words of its command, in which {olmix} and {speed} stand for the two programs."""
    fit = lambda swarm, *more: ["{olmix}", "fit", "--config", data / "olmix" / swarm / "fit.yaml", "--output-dir", "{out}", "--quiet", *more]
    law = lambda swarm, law: ["{speed}", "laws", data / "olmix" / swarm / "fit.yaml", law, 10]
    generate = lambda leaves: ["{olmix}", "generate", "--config", work / f"generate-{leaves}.yaml", "--variants", 3, "--output", "{out}", "--quiet"]
    planted = lambda *size: ["{speed}", "planted", *size]
    return [
        ("generate-4000", "`olmix generate`, three variants of 4,000 leaves", generate(4000)),
        ("generate-100000", "the same of 100,000 leaves", generate(100_000)),
        ("fit-dclm", "`olmix fit` on `dclm`", fit("dclm")),
        ("fit-full", "`olmix fit` on `full_recomputation`", fit("full_recomputation")),
        ("fit-regmix", "`olmix fit --preset regmix` on `dclm`", fit("dclm", "--preset", "regmix")),
        ("laws-full", "ten log-linear fits of `full_recomputation`, in process", law("full_recomputation", "log_linear")),
        ("laws-full-saturating", "ten saturating fits of `full_recomputation`, in process", law("full_recomputation", "saturating")),
        ("laws-dclm", "ten log-linear fits of `dclm`, in process", law("dclm", "log_linear")),
        ("simulation", "three times a million candidates × 52 laws of `dclm`, in process", ["{speed}", "simulation", data / "olmix/dclm/fit.yaml", 3]),
        ("v-optimal", "V-optimal swarm of 100 runs over 300 leaves, of 4,000 draws", ["{speed}", "v_optimal", 300, 100, 4000]),
        ("v-optimal-large", "V-optimal swarm of 1,000 runs over 1,000 leaves, of 2,000 draws", ["{speed}", "v_optimal", 1000, 1000, 2000]),
        ("planted-small", "log-linear fit and solve, 250 domains × 1,250 runs × 10 tasks", planted(250, 1250, 10, "log_linear")),
        ("planted-small-saturating", "the same, saturating", planted(250, 1250, 10, "saturating")),
        ("planted-1000", "log-linear fit and solve, 1,000 domains × 5,000 runs × 100 tasks", planted(1000, 5000, 100, "log_linear")),
        ("planted-1000-saturating", "the same, saturating", planted(1000, 5000, 100, "saturating")),
        ("fit-1000", "`olmix fit` of 1,000 × 3,000 × 20 without folds and bootstrap", ["{olmix}", "fit", "--config", work / "large/fit.yaml", "--output-dir", "{out}", "--quiet"]),
    ]


def build(source, target, name):
    """Builds the two programs of a tree; returns their paths."""
    print(f"building {name}", file=sys.stderr, flush=True)
    command = ["cargo", "build", "--release", "-p", "olmix", "--bin", "olmix", "--example", "speed", "--target-dir", target]
    subprocess.run([str(word) for word in command], check=True, cwd=source, stdout=sys.stderr)
    return {"olmix": target / "release/olmix", "speed": target / "release/examples/speed"}


def build_revision(revision, cache):
    """Builds a revision in the cache, with the example of this checkout."""
    found = subprocess.run(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"speed.py: `{revision}` is no commit of this repository")
    commit = found.stdout.strip()
    source = cache / commit[:12]
    if not (source / "Cargo.toml").exists():
        source.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    example = (ROOT / EXAMPLE).read_bytes()
    if not (source / EXAMPLE).exists() or (source / EXAMPLE).read_bytes() != example:
        (source / EXAMPLE).write_bytes(example)
    return commit[:9], build(source, source / "target", commit[:9])


def write_inputs(work, programs, wanted):
    for leaves in (4000, 100_000):
        if f"generate-{leaves}" in wanted:
            (work / f"generate-{leaves}.yaml").write_text(generation_config(leaves))
    if "fit-1000" in wanted:
        (work / "large").mkdir()
        subprocess.run([programs["speed"], "table", "1000", "3000", "20", work / "large"], check=True, stdout=sys.stderr)


def generation_config(leaves):
    sources = leaves // 10
    lines = ["name: speed", "swarm: {enable_bound: false}", "data:", "  sources:"]
    for s in range(sources):
        topics = ", ".join(f'{{name: t{t}, paths: ["s{s}/t{t}/*.npy"]}}' for t in range(10))
        lines.append(f"  - {{name: s{s}, topics: [{topics}]}}")
    lines += ["priors:", "  token_counts:"]
    for s in range(sources):
        lines += [f'    "s{s}:t{t}": {10**9 + 7919 * (s * 10 + t) % 10**8}' for t in range(10)]
    return "\n".join(lines) + "\n"


def run(command, programs, limit):
    """Seconds of the processor, peak MiB and a digest of what was printed or written; no seconds where it took too long."""
    with tempfile.TemporaryDirectory() as out:
        words = [str(word).format(out=out, **programs) if "{" in str(word) else str(word) for word in command]
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        )
        printed = process.stdout.read()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, mib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        if process.returncode != 0:
            if seconds >= limit - 1:
                return None, mib, None
            sys.exit(f"speed.py: {' '.join(words)} ended with {process.returncode}:\n{said.decode(errors='replace')}")
        return seconds, mib, digest(printed, Path(out))


def digest(printed, out):
    """Of the weights of a mixture or a swarm where there are any, else of the bits that were printed."""
    for name in ("mixture.json", "ratios.csv"):
        if (out / name).exists():
            text = (out / name).read_bytes()
            if name == "mixture.json":
                text = json.dumps([domain["weight"] for domain in json.loads(text)["domains"]]).encode()
            return hashlib.sha256(text).hexdigest()
    found = re.search(rb"bits (\w+)", printed)
    return found.group(1).decode() if found else None


def instructions(command, programs):
    """Instructions of a command, by callgrind."""
    with tempfile.TemporaryDirectory() as out:
        words = [str(word).format(out=out, **programs) if "{" in str(word) else str(word) for word in command]
        profile = Path(out) / "profile"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        subprocess.run(valgrind + words, check=True, capture_output=True)
        return int(re.search(r"^summary: (\d+)", profile.read_text(), re.M).group(1))


def cpu():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def record_of(cache):
    """The file that has what was measured on this machine."""
    machine = f"{platform.node()}, {cpu()}, {os.cpu_count()} threads"
    return cache / f"record-{hashlib.sha256(machine.encode()).hexdigest()[:12]}.json", machine


def slower(record, found, unit):
    """Lines on rows that take more than the last record says."""
    lines = []
    for name, now in found.items():
        before = record.get("rows", {}).get(name, {}).get(unit)
        if before and now > SLOWER * before and (unit != "seconds" or now > LEAST_SECONDS):
            lines.append(f"{name}: {now:,.3g} {unit}, {now / before:.2f} times the {before:,.3g} of {record['revision']}")
    return lines


def seconds_text(seconds, limit):
    return f"over {limit}" if seconds is None else f"{seconds:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, metavar="REV", help="the revision to compare with")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="the rows to run")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each, in turn; medians are printed")
    parser.add_argument("--limit", type=int, default=900, help="seconds of processor time of one run, at most")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("OLMIX_DATA", ROOT.parent / "shared/data")))
    base = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=Path(base) / "olmix-speed")
    parser.add_argument("--instructions", action="store_true", help="count instructions of the checkout")
    options = parser.parse_args()
    if options.instructions and not shutil.which("valgrind"):
        sys.exit("speed.py: --instructions needs valgrind, which is not installed")

    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        table = rows(options.data.resolve(), work)
        names = [name for name, *_ in table]
        for name in options.only or []:
            if name not in names:
                sys.exit(f"speed.py: there is no row `{name}`; there are {', '.join(names)}")
        wanted = [row for row in table if not options.only or row[0] in options.only]
        if not (options.data / "olmix").is_dir():
            left = [row for row in wanted if str(options.data.resolve()) in " ".join(map(str, row[2]))]
            for name, *_ in left:
                print(f"left out: {name}, no data at {options.data}", file=sys.stderr)
            wanted = [row for row in wanted if row not in left]
        options.cache.mkdir(parents=True, exist_ok=True)
        revision, before = build_revision(options.against, options.cache)
        after = build(ROOT, Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")), "the checkout")
        write_inputs(work, after, [name for name, *_ in wanted])
        measure(options, wanted, revision, before, after)


def measure(options, wanted, revision, before, after):
    record_file, machine = record_of(options.cache)
    record = json.loads(record_file.read_text()) if record_file.exists() else {}
    here = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"{here} against {revision}, on {cpu()}, {os.cpu_count()} threads; medians of {options.rounds}\n")
    print(f"| row | {revision}, s | now, s | ratio | {revision}, MiB | now, MiB | ratio | result |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    found = {}
    for name, what, command in wanted:
        pairs = []
        for _ in range(options.rounds):
            pairs.append((run(command, before, options.limit), run(command, after, options.limit)))
            if None in (pairs[-1][0][0], pairs[-1][1][0]):
                break
        middle = lambda side, part: statistics.median(pair[side][part] for pair in pairs)
        ended = any(pair[0][0] is None for pair in pairs), any(pair[1][0] is None for pair in pairs)
        then = None if ended[0] else middle(0, 0)
        now = None if ended[1] else middle(1, 0)
        if now is None:
            ratio = "–"
        else:
            found[name] = now
            ratio = f"{now / then:.2f}" if then else f"< {now / options.limit:.3f}"
        digests = {pair[side][2] for pair in pairs for side in (0, 1)}
        result = "same" if len(digests) == 1 and None not in digests else "other"
        memory = middle(0, 1), middle(1, 1)
        print(
            f"| {what} | {seconds_text(then, options.limit)} | {seconds_text(now, options.limit)} | {ratio} "
            f"| {memory[0]:,.0f} | {memory[1]:,.0f} | {memory[1] / memory[0]:.2f} | {result} |",
            flush=True,
        )
    lines = slower(record, found, "seconds")
    kept = record.get("rows", {})
    for name, seconds in found.items():
        kept.setdefault(name, {})["seconds"] = seconds
    if options.instructions:
        counted = {name: instructions(command, after) for name, _, command in wanted if name in found}
        print("\n| row | instructions |\n| --- | ---: |")
        for name, count in counted.items():
            print(f"| {name} | {count:,} |")
        lines += slower(record, counted, "instructions")
        for name, count in counted.items():
            kept[name]["instructions"] = count
    record_file.write_text(json.dumps({"machine": machine, "revision": here, "rows": kept}, indent=2) + "\n")
    if lines:
        print(f"\nSlower than the last record of this machine ({record_file}):\n" + "\n".join(lines))
        sys.exit(1)


if __name__ == "__main__":
    main()
