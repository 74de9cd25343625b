#!/usr/bin/env python3
"""Stops every writing command at every call that changes files, and checks that the next command mends it.

`stop_at.c`, which is compiled here, counts the calls that change files, over all threads of a command and the
processes that it starts. Then, in a fresh copy of the command's folder, once for each of those calls:

  kill    the process is killed (SIGKILL) as it enters the call
  full    the call, and all later ones that need room, fail with ENOSPC, as on a full disk

After that the same command runs again, undisturbed. It must succeed, or say with exit code 2 that it was done
already, and the folder must then hold what an undisturbed command leaves, byte for byte, with nothing else in
it. A command that met a full disk and still exits with 0 must have left the whole result.

Times, and what depends on them, are left out of the comparison: see `VOLATILE`.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Values that depend on the clock or the process, in files and printed histories.
VOLATILE = [
    (re.compile(rb'"tokens_per_second":[0-9.e+-]+'), b'"tokens_per_second":0'),
    (re.compile(rb'"(created|started|ended|date|time|seconds|wall_seconds|hours)": ?("[^"]*"|[0-9.e+-]+)'), b'"\\1":0'),
    # Hashes of records cover their times.
    (re.compile(rb"\b[0-9a-f]{64}\b"), b"HASH"),
    (re.compile(rb"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?"), b"TIME"),
]


class Command:
    """A command line, the commands that prepare its folder, and what its folder is compared by."""

    def __init__(self, name, line, prepare=(), project=None, data=False, then=None, ignore=()):
        self.name, self.line, self.prepare = name, line, list(prepare)
        self.project, self.data = project, data
        # The next command, where it is another one, and names of files that hold more after a stop.
        self.then, self.ignore = then or line, ignore


TOKENIZE = "tokenize --input {}.jsonl --tokenizer bytes --output {} --validation 0.1 --quiet --threads 1"
FIT = "fit --config fit.yaml --bootstrap 0 --quiet --threads 1"
INIT = "init --from fit.yaml --name house --quiet"
COMMIT = [INIT, FIT, "commit out/HASH/mixture.json --quiet"]

DRAW = "generate --config generate.yaml --base base.yaml --output drawn --quiet"
TRAIN = "proxy train --config drawn/launch/RUN --out model --quiet --threads 1"
LAUNCH = "launch run --variants drawn/launch --out swarm --quiet --threads 1"
FAILED = "launch run --variants failing --out failed --retries 0 --quiet --threads 1"
ADD = "update add d1=3000000000 --quiet"
EXPORT = "history export exported --quiet"
CHANGES = "- add: {d2: 3e8}\n- revise: {books: {tokens: 9e8}}\n"
STUDY = "study granularity --config fit.yaml --seeds 1 --quiet --threads 1"

COMMANDS = [
    Command("fit", FIT),
    Command("fit over an earlier fit", FIT, [FIT]),
    Command("sweep", "sweep --config fit.yaml --target-tokens 1e9,2e9 --repetition 4 --quiet --threads 1"),
    Command("compare", "compare --config fit.yaml --presets unimax,natural --quiet --threads 1"),
    Command("export -o", "export --mixture out/HASH/mixture.json --format csv -o blend.csv --quiet", [FIT]),
    Command("study", STUDY),
    Command("predict", "predict --mixture out/HASH/mixture.json --ratios ratios.csv --output p.csv --quiet", [FIT]),
    Command("init", INIT, project="."),
    Command("update add", ADD, [INIT], project="."),
    Command("update apply", "update apply changes.yaml --quiet", [INIT], project="."),
    Command("update revise", "update revise books=9e8 --quiet", [INIT], project="."),
    Command("update undo", "update undo --quiet", [INIT, ADD], project="."),
    Command("commit", COMMIT[2], COMMIT[:2], project="."),
    Command("plan --write", "plan --method full-reuse --write next --quiet", [*COMMIT, ADD], project="."),
    Command("tag", "tag best main --quiet", COMMIT, project="."),
    Command("history export", EXPORT, COMMIT, project="."),
    Command("history import", "history import exported copy --quiet", [*COMMIT, EXPORT], project="copy"),
    Command("show --files", "show fit@1 --files shown --quiet", COMMIT, project="."),
    Command("priors compute", "priors compute --config generate.yaml -o counted.yaml --quiet", data=True),
    Command("generate", DRAW, data=True),
    Command("generate over an earlier swarm", DRAW, [DRAW], data=True),
    Command("tokenize", TOKENIZE.format("prose", "again"), data=True),
    Command("proxy prepare", "proxy prepare --config drawn/launch/RUN --out plan --quiet --threads 1", [DRAW], data=True),
    Command("proxy train", TRAIN, [DRAW], data=True),
    Command("proxy eval", "proxy eval --model model --quiet --threads 1", [DRAW, TRAIN], data=True),
    # Runs that met a full disk too often have failed; logs say what was begun again.
    Command("launch run", LAUNCH, [DRAW], data=True, then=LAUNCH + " --retry-failed", ignore=["log.txt"]),
    # All its runs have failed: their trainer is no program.
    Command("launch cancel", "launch cancel --all --out failed --quiet", ["? " + FAILED], data=True),
    Command("collect", "collect --swarm swarm --output collected --quiet", [DRAW, LAUNCH], data=True),
]

# Three domains of synthetic text, a swarm of three runs, and a model that trains in a second.
GENERATE = """name: small
data:
  dtype: uint16
  sources:
    - {name: prose, paths: ["shards/prose/train/*.bin"]}
    - {name: sums, paths: ["shards/sums/train/*.bin"]}
    - {name: lists, paths: ["shards/lists/train/*.bin"]}
priors: {token_counts: {prose: 12000, sums: 6000, lists: 9000}}
swarm: {seed: 1, variants: 3, design: random, repetition_factor: 8.0}
max_tokens: 16_000
"""
BASE = """name: base
training: {proxy_model_id: demo, tokenizer: bytes, tokens: 16_000, global_batch_size: 1024, checkpoint_every: 4,
  model: {width: 16, heads: 2, hidden: 32, layers: 1}}
eval: {validation: {prose: "shards/prose/validation/*.bin"}}
mix: {}
"""
FAILING = """name: {0}
training: {{seed: 1}}
trainer: {{command: "false"}}
mix: {{prose: 1}}
"""


def texts(folder):
    """JSON Lines of three domains; the same at every call."""
    random = __import__("random").Random(1)
    words = [bytes(random.randrange(97, 123) for _ in range(random.randrange(2, 9))).decode() for _ in range(300)]
    makers = {
        "prose": lambda: " ".join(random.choice(words) for _ in range(40)) + ".",
        "sums": lambda: " ".join(f"{a}+{b}={a + b}" for a, b in [(random.randrange(99), random.randrange(99)) for _ in range(20)]),
        "lists": lambda: "\n".join(f"- {random.choice(words)}" for _ in range(25)),
    }
    for name, make in makers.items():
        lines = (json.dumps({"text": make()}) + "\n" for _ in range(60))
        (folder / f"{name}.jsonl").write_text("".join(lines))


class Trials:
    """The trials of one command: a prepared folder, copied for each of them."""

    def __init__(self, olmix, stop_at, command, home):
        self.olmix, self.stop_at, self.command, self.home = olmix, stop_at, command, home
        self.prepared = home / "prepared"
        self.prepared.mkdir()
        if command.data:
            texts(self.prepared)
            (self.prepared / "generate.yaml").write_text(GENERATE)
            (self.prepared / "base.yaml").write_text(BASE)
            for name in ("prose", "sums", "lists"):
                self.must(self.prepared, TOKENIZE.format(name, f"shards/{name}"))
            (self.prepared / "failing").mkdir()
            for name in "ab":
                (self.prepared / f"failing/{name}.yaml").write_text(FAILING.format(name))
        else:
            for file in ("fit.yaml", "ratios.csv", "metrics.csv"):
                shutil.copy(ROOT / "examples/demo" / file, self.prepared)
            (self.prepared / "changes.yaml").write_text(CHANGES)
        for line in command.prepare:
            if line.startswith("? "):  # may fail
                self.run(self.prepared, line[2:])
            else:
                self.must(self.prepared, line)
        self.undisturbed = self.place("undisturbed")
        self.must(self.undisturbed, command.line)
        self.expected = self.content(self.undisturbed)
        second = self.place("second")
        self.must(second, command.line)
        differs = differences(self.expected, self.content(second))
        if differs:
            raise SystemExit(f"{command.name}: two undisturbed commands differ: {differs}")

    def place(self, name):
        """A fresh copy of the prepared folder. All copies have paths of one length."""
        at = self.home / name.rjust(12, "_")
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(self.prepared, at, symlinks=True)
        return at

    def arguments(self, at, line):
        """The words of a line; HASH and RUN stand for the folder of a fit and the first launch config."""
        if "HASH" in line:
            line = line.replace("HASH", next(p.name for p in (at / "out").iterdir() if p.is_dir() and p.name[0] != "."))
        if "RUN" in line:
            line = line.replace("RUN", sorted(p.name for p in (at / "drawn/launch").glob("*.yaml"))[0])
        return [str(self.olmix), *line.split()]

    def run(self, at, line, wrap=()):
        return subprocess.run(
            [*wrap, *self.arguments(at, line)], cwd=at, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
        )

    def must(self, at, line):
        done = self.run(at, line)
        if done.returncode:
            raise SystemExit(f"{self.command.name}: {line}: exit {done.returncode}\n{done.stderr.decode()}")

    def content(self, at):
        """What the folder holds: a hash for each file, and the history of a project as its commands print it."""
        found = {}
        for path in sorted(at.rglob("*")):
            name = VOLATILE[2][0].sub(b"HASH", str(path.relative_to(at)).encode()).decode()
            if path.name in self.command.ignore:
                continue
            if path.is_symlink() or not path.is_file() or "ledger.sqlite" in name:
                if path.is_dir():
                    found[name + "/"] = ""
                continue
            data = path.read_bytes().replace(str(at).encode(), b"HERE")
            for pattern, plain in VOLATILE:
                data = pattern.sub(plain, data)
            found[name] = hashlib.sha256(data).hexdigest()
        if self.command.project:
            for line in ("log --all --json", "verify --deep --json"):
                done = self.run(at / self.command.project, line)
                text = done.stdout.replace(str(at).encode(), b"HERE") + done.stderr
                for pattern, plain in VOLATILE:
                    text = pattern.sub(plain, text)
                found[line] = f"{done.returncode} {text.decode()}"
        if (at / "swarm/ledger.sqlite").exists():
            done = self.run(at, "launch status --out swarm --json")
            states = json.loads(done.stdout or b"{}")
            found["states"] = json.dumps({k: states.get(k) for k in ("finished", "failed", "queued", "running")})
        return found

    def calls(self):
        """How many calls that change files the command makes."""
        at = self.place("counted")
        log = self.home / "counted.log"
        self.run(at, self.command.line, [self.stop_at, "count", "0", log])
        calls = log.read_text(errors="replace").count("\n")
        if not calls:
            raise SystemExit(f"{self.command.name}: no call that changes files was seen: may processes be traced here?")
        return calls

    def trial(self, fault, n, number):
        """Stops the command at one call and runs it again. Returns whether it was stopped, and what is wrong."""
        at = self.place(f"{fault}-{number}")
        log = self.home / f"{fault}-{number}.log"
        try:
            stopped = self.run(at, self.command.line, [self.stop_at, fault, str(n), log])
        except subprocess.TimeoutExpired:
            return True, [(fault, n, "", "the command did not end")]
        # The calls that were stopped; there are none where threads made fewer calls this time.
        lines = log.read_text(errors="replace").splitlines()
        seen = [line for line in lines if line.endswith(" STOPPED")]
        wrong = []
        if stopped.returncode == 0 and fault == "full":
            left = differences(self.expected, self.content(at))
            wrong += [f"exit 0 on a full disk, but {text}" for text in left]
        if b"panicked" in stopped.stderr:
            wrong.append("panicked: " + stopped.stderr.decode(errors="replace").strip().splitlines()[0])
        again = self.run(at, self.command.then)
        message = again.stderr.decode(errors="replace").strip()
        if again.returncode not in (0, 2) or "panicked" in message:
            wrong.append(f"the next command: exit {again.returncode}: {message}")
        left = differences(self.expected, self.content(at))
        wrong += left
        if left and again.returncode:
            wrong.append(f"the next command: exit {again.returncode}: {message}")
        if not wrong:
            shutil.rmtree(at)
            log.unlink()
        place = seen[0].replace(str(at), "") if seen else f"call {n}"
        return bool(seen), [(fault, n, place, text) for text in wrong]


def differences(expected, found):
    """What differs between two contents, in words."""
    wrong = [f"{name} is missing" for name in expected.keys() - found.keys()]
    wrong += [f"{name} is left behind" for name in found.keys() - expected.keys()]
    wrong += [f"{name} differs" for name in expected.keys() & found.keys() if expected[name] != found[name]]
    return sorted(wrong)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--olmix", default=ROOT / "target/release/olmix", type=pathlib.Path)
    options.add_argument("--only", help="names of commands, parted by commas; all others are left out")
    options.add_argument("--every", type=int, default=1, help="stop at every Nth of the calls (1: at each)")
    options.add_argument("--jobs", type=int, default=2, help="trials at a time")
    options.add_argument("--keep", type=pathlib.Path, help="a folder for the trials; those that failed stay there")
    options = options.parse_args()
    home = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="interrupted-"))
    home.mkdir(parents=True, exist_ok=True)
    chosen = options.only.split(",") if options.only else [command.name for command in COMMANDS]
    failures = 0
    stop_at = home / "stop_at"
    subprocess.run(["cc", "-O2", "-o", stop_at, pathlib.Path(__file__).parent / "stop_at.c"], check=True)
    print("| command | calls that change files | killed | on a full disk | wrong |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for command in COMMANDS:
        if command.name not in chosen:
            continue
        folder = home / command.name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trials = Trials(options.olmix.resolve(), stop_at, command, folder)
        calls = trials.calls()
        work = [(fault, n) for fault in ("kill", "full") for n in range(1, calls + 1)][:: options.every]
        wrong, stopped = [], {"kill": 0, "full": 0}
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            jobs = pool.map(lambda job: trials.trial(*job[1], job[0]), enumerate(work))
            for (fault, _), (was_stopped, found) in zip(work, jobs):
                stopped[fault] += was_stopped
                wrong += found
        failed = len({(fault, n) for fault, n, _, _ in wrong})
        print(f"| {command.name} | {calls} | {stopped['kill']} | {stopped['full']} | {failed} |", flush=True)
        for fault, n, place, text in wrong[:50]:
            print(f"{command.name}: {fault} at {n} ({place}): {text}", file=sys.stderr, flush=True)
        failures += failed
        if not failed and not options.keep:
            shutil.rmtree(folder)
    sys.exit(1 if failures else 0)


main()
