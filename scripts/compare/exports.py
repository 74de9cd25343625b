"""Exports of mixtures, loaded and drawn by the trainers they are for.

    python3 scripts/compare/exports.py --olmix target/release/olmix --envs target/tmp/exports [--quick] [--only FORMAT …]

makes token files of several domains, exports a mixture of them in every format, loads it with the package of the trainer, draws
the whole run, and compares what was drawn with the mixture: by domain and by file, within the unit that the trainer rounds to.
Writes docs/comparison/exports.md (not with --quick or --only), and exits with 1 where something differs. Packages are installed
with uv into the folder of --envs, once. --quick: what installs in a minute, without a page. Needs a Python of 3.10 or later;
most packages need 3.12, looked for on the PATH and among those of pyenv.
"""

import argparse
import array
import fcntl
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import exports_page

ROOT = Path(__file__).resolve().parents[2]
DRAW = Path(__file__).with_name("exports_draw.py")
PAGE = ROOT / "docs/comparison/exports.md"
SEQUENCE = 128
TINY = 0.0003

# Environments: the oldest Python, and the packages as they were released in November 2026.
ENVS = {
    "quick": ((3, 10), ["datasets==5.2.0", "grain==0.2.18", "litdata==0.2.76", "torch==2.13.0"]),
    "streaming": ((3, 10), ["mosaicml-streaming==0.13.0", "torch==2.13.0"]),
    "levanter": ((3, 12), ["marin-levanter==0.2.227.dev40316220070"]),
    "torch": ((3, 12), ["ai2-olmo-core==3.0.0", "megatron-core==0.19.2", "torch==2.13.0"]),
    "litgpt": ((3, 12), ["litgpt==0.5.13", "litdata==0.2.76", "torchtitan==0.3.0", "torch==2.13.0"]),
    "llm-foundry": ((3, 12), ["llm-foundry==0.22.0", "setuptools<80"]),
    "fairseq2": ((3, 12), ["fairseq2==0.8.1"]),
}

# Paths of a kind of data, by domain and number of the file.
KINDS = {"raw": "{}/{}.npy", "jsonl": "{}/{}.jsonl", "megatron": "{}-{}.bin", "lit": "{}/{}", "mds": "{}/{}"}


class Export:
    """How an export is drawn. `by` says what the trainer's draws are: exact, within a domain only, or random."""

    def __init__(self, env, kind, by, package, unit, draw=None, suffix="yaml", extra=0, quick=False, steps=1):
        self.env, self.kind, self.by, self.package, self.unit = env, kind, by, package, unit
        self.draw, self.suffix, self.extra, self.quick, self.steps = draw, suffix, extra, quick, steps + 0.001


EXPORTS = {
    "olmo-core": Export("torch", "raw", "domain", "ai2-olmo-core", "a sequence of each file and pass, and of a batch",
                        "olmo-core-mixture", steps=4),
    "olmo-core-sources": Export("torch", "raw", "domain", "ai2-olmo-core", "a sequence of each domain, rounded down", "olmo-core",
                                   "py"),
    "megatron": Export("torch", "megatron", "exact", "megatron-core", "a sample of each file", suffix="txt"),
    "megatron-bridge": Export("torch", "megatron", "exact", "megatron-core", "a sample of each file", suffix="py"),
    "huggingface": Export("quick", "jsonl", "exact", "datasets", "a row of each file", suffix="py", quick=True),
    "litgpt": Export("litgpt", "lit", "random", "litgpt", "drawn at random", suffix="py", extra=1),
    "streaming": Export("streaming", "mds", "exact", "mosaicml-streaming", "a sample of each file", quick=True),
    "llm-foundry": Export("llm-foundry", "mds", "exact", "llm-foundry", "a sample of each file"),
    "levanter": Export("levanter", "jsonl", "domain", "marin-levanter", "a sequence of each domain in a block"),
    "torchtitan": Export("litgpt", "jsonl", "random", "torchtitan", "drawn at random", suffix="py"),
    "grain": Export("quick", "raw", "exact", "grain", "two sequences of each file", suffix="py", quick=True, steps=2),
    "fairseq2": Export("fairseq2", "raw", "exact", "fairseq2", "a sequence of each file", suffix="py"),
}
# Drawn by other means where it has to be quick.
QUICK = {
    "litgpt": Export("quick", "lit", "random", "litdata", "drawn at random", "litdata", "py", 1),
    "levanter": Export("levanter", "jsonl", "blocks", "marin-levanter", "a sequence of each domain in a block", "levanter-config"),
}


class Case:
    """A mixture: share and tokens of the files of each domain, tokens of the run, and the most epochs allowed."""

    def __init__(self, name, weights, files, tokens, cap):
        self.name, self.weights, self.files, self.tokens, self.cap = name, weights, files, tokens, cap
        self.folder = name.replace(" ", "-")
        # Every token of a file is its mark.
        every = [(domain, number) for domain, counts in files.items() for number in range(len(counts))]
        self.marks = {file: mark for mark, file in enumerate(every, start=1)}

    def scaled(self, by):
        """The same case with less data."""
        files = {domain: [count // by for count in counts] for domain, counts in self.files.items()}
        return Case(self.name, self.weights, files, self.tokens // by, self.cap)

    def without_backslash(self):
        """The same case with names that Levanter can be given."""
        name = lambda domain: domain.replace("\\", "")
        weights, files = ({name(domain): value for domain, value in of.items()} for of in (self.weights, self.files))
        return Case(self.name, weights, files, self.tokens, self.cap)

    def path(self, folder, kind, domain, number):
        index = list(self.files).index(domain)
        stem = domain if domain.isalnum() else f"o'dd \"{index}\" #(x) $c %s"
        # Megatron's line is cut at white space.
        stem = stem.replace(" ", "_") if kind == "megatron" else stem
        return str(folder / kind / KINDS[kind].format(stem, number))

    def spec(self, folder, kind):
        if kind == "tokenizer":
            return
        for (domain, number), mark in self.marks.items():
            yield self.path(folder, kind, domain, number), mark, self.files[domain][number]


CASES = [
    Case(
        "sample",
        {"web": 0.5, "code": 0.2497, "math": 0.2, "books": 0.05, "tiny": TINY, "zero": 0.0},
        {"web": [2_700_000, 300_000], "code": [400_000] * 3, "math": [200_000], "books": [300_000], "tiny": [50_000], "zero": [50_000]},
        4_000_000,
        4,
    ),
    # A file that an equal split over the files of its domain would repeat 18 times.
    Case("small file", {"web": 0.9, "code": 0.1}, {"web": [2_700_000, 50_000], "code": [400_000]}, 2_000_000, 1),
    # Names and paths that are data, whatever they look like.
    Case(
        "odd names",
        {"it's \"a\" #1: {b} \\n ${c} %s": 0.75, "- null": 0.25},
        {"it's \"a\" #1: {b} \\n ${c} %s": [150_000], "- null": [64_000]},
        128_000,
        1,
    ),
]

# Format, paths of one domain, what the message must name: refused, or never misread.
REFUSED = [
    ("huggingface", "tokens.npy", "npy"),
    ("levanter", "tokens.npy", "npy"),
    ("litgpt", "tokens.npy", "npy"),
    ("streaming", "tokens.npy", "npy"),
    ("torchtitan", "tokens.npy", "npy"),
    ("megatron", "tokens.npy", "npy"),
    ("megatron", "my corpus/web.bin", "space"),
    ("grain", "text.jsonl", "jsonl"),
]


def interpreter(oldest):
    """A Python of at least a version, or None."""
    names = [sys.executable] + [f"python3.{minor}" for minor in range(12, 15)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    names += [str(path) for minor in range(12, 15) for path in sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}"))]
    for name in names:
        try:
            asked = subprocess.run([name, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
        except FileNotFoundError:
            continue
        if asked.returncode == 0 and tuple(map(int, asked.stdout.split())) >= oldest:
            return name
    return None


def environment(folder, name):
    """The interpreter of an environment, made where it is not there, and the reason where it can't be."""
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return made(folder, name)


def made(folder, name):
    oldest, packages = ENVS[name]
    done = folder / name / "installed.txt"
    python = folder / name / "bin/python"
    if done.exists() and done.read_text() == "\n".join(packages):
        return python, None
    base = interpreter(oldest)
    if base is None:
        return None, f"no Python of {'.'.join(map(str, oldest))} or later"
    uv = folder / "uv/bin/uv"
    steps = [["bash", ROOT / "scripts/test-uv.sh", folder / "uv"]]
    steps += [[uv, "venv", "-q", "--clear", "-p", base, folder / name], [uv, "pip", "install", "-q", "-p", python, *packages]]
    for step in steps:
        run = subprocess.run(step, capture_output=True, text=True)
        if run.returncode:
            return None, run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f"{step[0]}: {run.returncode}"
    done.write_text("\n".join(packages))
    return python, None


def write_raw(path, mark, tokens):
    """Documents of 128 tokens each, of which 0 is the last."""
    document = [mark] * (SEQUENCE - 1) + [0]
    Path(path).write_bytes(array.array("H", (document * (tokens // SEQUENCE + 1))[:tokens]).tobytes())


def write_jsonl(path, mark, tokens):
    """Documents that are 128 tokens each, with the end that a tokenizer adds."""
    words = [min(SEQUENCE, tokens - start) - 1 for start in range(0, tokens, SEQUENCE)]
    Path(path).write_text("".join(json.dumps({"text": " ".join([str(mark)] * count)}) + "\n" for count in words))


class Worker:
    """A process of an environment that makes data and draws exports, step by step."""

    def __init__(self, python, folder, log):
        caches = {"HF_HOME": str(folder / "hf"), "TMPDIR": str(folder), "TOKENIZERS_PARALLELISM": "false"}
        self.log = log
        self.process = subprocess.Popen([python, DRAW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "w"), text=True,
                                        env=os.environ | caches)

    def step(self, *step):
        """The answer; a text where the process ended."""
        try:
            print(json.dumps(step), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else Path(self.log).read_text().strip()[-300:] or "the process ended"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make(folder, cases, kind, worker):
    """The data of a kind for every case, once."""
    spec = [file for case in cases for file in case.spec(folder / case.folder, kind)]
    if kind == "tokenizer":
        spec = [(str(folder / case.folder / kind), 0, 0) for case in cases]
    if (folder / f"{kind}.json").exists():
        return
    for path, _, _ in spec:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}.json").write_text(json.dumps(spec))
    if kind in ("raw", "jsonl"):
        for file in spec:
            globals()[f"write_{kind}"](*file)
        return
    wrong = worker.step("make", kind, spec)
    if wrong:
        raise RuntimeError(f"{kind}: {wrong}")


def export(olmix, folder, case, name, kind, suffix):
    """The file that olmix writes, and its complaint where there is none."""
    sources = [
        {"name": domain, "paths": [case.path(folder, kind, domain, number) for number in range(len(counts))]}
        for domain, counts in case.files.items()
    ]
    counts = {domain: sum(counts) for domain, counts in case.files.items()}
    config = {"name": "exports", "data": {"dtype": "uint16", "sources": sources}, "priors": {"token_counts": counts}}
    if kind == "jsonl":
        config["data"]["tokenizer"] = str(folder / "tokenizer/tokenizer.json")
    (folder / f"generate-{kind}.yaml").write_text(json.dumps(config))
    (folder / "mixture.json").write_text(json.dumps(case.weights))
    file = folder / f"{name}.{suffix}"
    command = [olmix, "export", "--mixture", folder / "mixture.json", "--data", folder / f"generate-{kind}.yaml", "--format", name]
    command += ["--target-tokens", str(case.tokens), "--repetition-factor", str(case.cap), *OPTIONS, "-o", file]
    run = subprocess.run(command, capture_output=True, text=True)
    return (file, None) if run.returncode == 0 else (None, run.stderr.strip())


OPTIONS = []


def judge(case, how, result):
    """What is wrong with a draw; and the figures of the page."""
    count = case.tokens // SEQUENCE
    drawn = {int(mark): rows for mark, rows in result["drawn"].items()}
    wrong, shares, passes = [], {}, {}
    for domain, weight in case.weights.items():
        files = case.files[domain]
        if how.by == "blocks":
            rows, due = result["facts"]["domains"].get(domain, 0), weight * count
            shares[domain] = rows / count
            if abs(rows - due) > 1.001:
                wrong.append(f"{domain}: {rows} sequences, not {due:.1f}")
            continue
        rows = {number: drawn.get(case.marks[domain, number], 0) for number in range(len(files))}
        noise = 5 * math.sqrt(count * weight * (1 - weight))
        slack = noise + 1 if how.by == "random" else how.steps * len(files)
        if abs(sum(rows.values()) - weight * count) > slack:
            wrong.append(f"{domain}: {sum(rows.values())} sequences, not {weight * count:.1f}")
        shares[domain] = sum(rows.values()) / count
        for number, tokens in enumerate(files):
            share = weight * tokens / sum(files)
            slack = how.steps if how.by == "exact" else 5 * math.sqrt(count * share * (1 - share)) + 2
            if abs(rows[number] - share * count) > slack:
                wrong.append(f"{domain}/{number}: {rows[number]} sequences, not {share * count:.1f}")
            passes[domain, number] = rows[number] * (SEQUENCE + how.extra) / tokens
            most = case.cap * tokens / (SEQUENCE + how.extra) + (slack if share * case.tokens > 0.99 * case.cap * tokens else 0)
            if rows[number] > most:
                wrong.append(f"{domain}/{number}: {passes[domain, number]:.2f} passes")
    if result["facts"].get("same_streaming") is False:
        wrong.append("streaming and map-style draws differ")
    return wrong, shares, passes


def check(olmix, worker, folder, name, how, cases):
    """The outcome of every case: (case, what is wrong, shares, passes, versions)."""
    if name == "levanter":
        cases = [case.without_backslash() for case in cases]
    make(folder, cases, how.kind, worker)
    if how.env in ("levanter", "litgpt", "llm-foundry"):
        make(folder, cases, "tokenizer", worker)
    exported = [export(olmix, folder / case.folder, case, name, how.kind, how.suffix) for case in cases]
    jobs = [[str(file), SEQUENCE, case.tokens, str(folder / case.folder)] for case, (file, _) in zip(cases, exported) if file]
    results = worker.step("draw", how.draw or name, jobs)
    results = iter([{"error": results}] * len(jobs) if isinstance(results, str) else results)
    outcomes = []
    for case, (file, complaint) in zip(cases, exported):
        result = next(results) if file else {"error": f"olmix: {complaint}"}
        if "error" in result:
            outcomes.append((case, [result["error"]], {}, {}, {}))
        else:
            outcomes.append((case, *judge(case, how, result), result["versions"]))
    return outcomes


def check_together(olmix, envs, folder, formats, cases):
    """The outcomes of formats of one environment, in one process; or the reason why they were not run."""
    env = formats[0][1].env
    python, why = environment(envs, env)
    if python is None:
        return [why] * len(formats)
    worker = Worker(python, folder, folder / f"{formats[0][0]}.log")
    try:
        return [check(olmix, worker, folder, name, how, cases) for name, how in formats]
    finally:
        worker.close()


def refusals(olmix, folder):
    """Exports that no trainer could read and that olmix did not refuse with exit code 2."""
    wrong = []
    for name, path, word in REFUSED:
        file = folder / "refused" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\1\0" * 1000)
        if path.endswith(".bin"):
            # Megatron's index of one document of 1000 tokens of two bytes.
            index = struct.pack("<QBQQiqqq", 1, 8, 1, 2, 1000, 0, 0, 1)
            file.with_suffix(".idx").write_bytes(b"MMIDIDX\0\0" + index)
        config = {"name": "exports", "data": {"dtype": "uint16", "sources": [{"name": "web", "paths": [str(file)]}]}}
        config["priors"] = {"token_counts": {"web": 1000}}
        (folder / "refused.yaml").write_text(json.dumps(config))
        (folder / "refused.json").write_text('{"web": 1.0}')
        command = [olmix, "export", "--mixture", folder / "refused.json", "--data", folder / "refused.yaml", "--format", name]
        run = subprocess.run([*command, "--target-tokens", "1000", *OPTIONS], capture_output=True, text=True)
        if run.returncode != 2 or word not in run.stderr:
            wrong.append(f"{name} of {path}: exit {run.returncode}: {run.stderr.strip()[:200]}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--olmix", default=ROOT / "target/release/olmix", type=Path)
    parser.add_argument("--envs", default=ROOT / "target/tmp/exports", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--install", action="store_true", help="install the packages, and draw nothing")
    parser.add_argument("--only", nargs="*", choices=EXPORTS)
    parser.add_argument("--keep", type=Path, help="a folder for the data and exports, which stays")
    arguments = parser.parse_args()
    olmix, envs = arguments.olmix.resolve(), arguments.envs.resolve()
    envs.mkdir(parents=True, exist_ok=True)
    chosen = {name: how for name, how in EXPORTS.items() if how.quick} | QUICK if arguments.quick else EXPORTS
    if arguments.only:
        chosen = {name: how for name, how in chosen.items() if name in arguments.only}
    if arguments.install:
        for env in sorted({how.env for how in chosen.values()}):
            print(env, environment(envs, env)[1] or "installed")
        return
    # Files stay whole sequences.
    cases = [case.scaled(5) for case in CASES] if arguments.quick else CASES
    text = subprocess.run([olmix, "export", "--help"], capture_output=True, text=True, check=True).stdout
    if "--sequence-length" in text:
        OPTIONS.extend(["--sequence-length", str(SEQUENCE)])
    folder = arguments.keep or Path(tempfile.mkdtemp())
    try:
        failed, start = 0, time.monotonic()
        # What needs no package is there before any thread.
        for kind in ("raw", "jsonl"):
            make(folder, cases, kind, None)
        # Quickly, a process of each environment, side by side; else each trainer has a process of its own.
        together = {}
        for name, how in chosen.items():
            together.setdefault(how.env if arguments.quick else name, []).append((name, how))
        with ThreadPoolExecutor(2 if arguments.quick else 1) as threads:
            work = lambda formats: check_together(olmix, envs, folder.resolve(), formats, cases)
            outcomes = dict(zip(together, threads.map(work, together.values())))
        found = {name: of for key, formats in together.items() for (name, _), of in zip(formats, outcomes[key])}
        results = [(name, how, found[name]) for name, how in chosen.items()]
        for name, how, outcomes in results:
            problems = [] if isinstance(outcomes, str) else [f"{case.name}: {what}" for case, wrong, *_ in outcomes for what in wrong]
            failed += bool(problems)
            print(name, f"not run: {outcomes}" if isinstance(outcomes, str) else "right" if not problems else "wrong", flush=True)
            for problem in problems:
                print("   ", problem, flush=True)
        print(f"{time.monotonic() - start:.0f} s")
        for problem in refusals(olmix, folder):
            failed += 1
            print("not refused:", problem)
        if not arguments.quick and not arguments.only:
            PAGE.write_text(exports_page.page(results))
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
