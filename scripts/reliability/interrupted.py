#!/usr/bin/env python3
"""Stops every writing command at every call that changes files, and checks that the next command mends it.

For each command, `strace` counts the calls that change files. Then, in a fresh copy of the command's folder,
once for each of those calls:

  kill    the process is killed (SIGKILL) as it enters the call
  full    the call, and all later ones of its kind, fail with ENOSPC, as on a full disk

After that the same command runs again, undisturbed. It must succeed, or say with exit code 2 that it was done
already, and the folder must then hold what an undisturbed command leaves, byte for byte, with nothing else in
it. A command that met a full disk and still exits with 0 must have left the whole result.

`strace` counts calls for each thread of a process, so that of two threads that make the same call only the one
that is first to reach the number is stopped. The last column says how many different calls (by kind and file)
of those counted were stopped.

Times, and what depends on them, are left out of the comparison: see `VOLATILE`.
"""

import argparse
import collections
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
# Calls that change files. `openat` is missing: most open for reading, and what it creates is stopped at the
# first write to it.
CHANGES = (
    "write pwrite64 writev rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir fsync fdatasync "
    "ftruncate fallocate link linkat symlink symlinkat fchmod chmod copy_file_range sendfile"
).split()
# On a full disk these fail; removing does not.
GROWS = "write pwrite64 writev mkdir mkdirat rename renameat renameat2 fsync fdatasync ftruncate fallocate link \
linkat symlink symlinkat copy_file_range sendfile".split()
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
LAUNCH = "launch run --variants drawn/launch --out swarm --quiet --threads 1"
ADD = "update add d1=3000000000 --quiet"
EXPORT = "history export exported --quiet"

COMMANDS = [
    Command("fit", FIT),
    Command("fit over an earlier fit", FIT, [FIT]),
    Command("sweep", "sweep --config fit.yaml --target-tokens 1e9,2e9 --repetition 4 --quiet --threads 1"),
    Command("compare", "compare --config fit.yaml --presets unimax,natural --quiet --threads 1"),
    Command("export -o", "export --mixture out/HASH/mixture.json --format csv -o blend.csv --quiet", [FIT]),
    Command("predict", "predict --mixture out/HASH/mixture.json --ratios ratios.csv --output p.csv --quiet", [FIT]),
    Command("init", INIT, project="."),
    Command("update add", ADD, [INIT], project="."),
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
    Command("proxy train", "proxy train --config drawn/launch/RUN --out model --quiet --threads 1", [DRAW], data=True),
    # Runs that met a full disk too often have failed; logs say what was begun again.
    Command("launch run", LAUNCH, [DRAW], data=True, then=LAUNCH + " --retry-failed", ignore=["log.txt"]),
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

    def __init__(self, olmix, command, home):
        self.olmix, self.command, self.home = olmix, command, home
        self.prepared = home / "prepared"
        self.prepared.mkdir()
        if command.data:
            texts(self.prepared)
            (self.prepared / "generate.yaml").write_text(GENERATE)
            (self.prepared / "base.yaml").write_text(BASE)
            for name in ("prose", "sums", "lists"):
                self.must(self.prepared, TOKENIZE.format(name, f"shards/{name}"))
        else:
            for file in ("fit.yaml", "ratios.csv", "metrics.csv"):
                shutil.copy(ROOT / "examples/demo" / file, self.prepared)
        for line in command.prepare:
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
            line = line.replace("RUN", sorted(p.name for p in (at / "drawn/launch").iterdir())[0])
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

    def points(self):
        """For each kind of call, the most that one thread makes; and all different calls by kind and file."""
        at = self.place("counted")
        log = self.home / "counted.log"
        self.run(at, self.command.line, self.strace(log, at))
        threads, calls = collections.Counter(), set()
        self.wakes = set()
        for thread, kind, file in read_log(log, at):
            threads[thread, kind] += 1
            calls.add((kind, file))
            if file.startswith("anon_inode:"):
                self.wakes.add((kind, threads[thread, kind]))
        if not calls:
            raise SystemExit(f"{self.command.name}: strace saw no call that changes files: may it trace here?")
        most = collections.Counter()
        for (_, kind), count in threads.items():
            most[kind] = max(most[kind], count)
        return [(kind, n) for kind in sorted(most) for n in range(1, most[kind] + 1)], calls

    def strace(self, log, at, inject=None):
        options = ["strace", "-f", "-y", "-qq", "-o", str(log), "-e", "signal=none", "-e", "trace=" + ",".join(CHANGES)]
        return [*options, *(["-e", f"inject={inject}"] if inject else []), "--"]

    def trial(self, fault, kind, n, number):
        """Stops the command at one call, runs it again, and returns what is wrong, with the call that was stopped."""
        at = self.place(f"{fault}-{number}")
        log = self.home / f"{fault}-{number}.log"
        # Threads wake each other by writes, too, which no disk makes fail: where there are such, one call fails.
        further = "" if any(kind == wake for wake, _ in self.wakes) else "+"
        action = f"{kind}:signal=KILL:when={n}" if fault == "kill" else f"{kind}:error=ENOSPC:when={n}{further}"
        try:
            stopped = self.run(at, self.command.line, self.strace(log, at, action))
        except subprocess.TimeoutExpired:
            # The number of a call that wakes a thread may change from one time to the next.
            if all(file.startswith("anon_inode:") for _, _, file in read_log(log, at, only_stopped=True)):
                return [], []
            return [(fault, kind, n, [], "the command did not end")], []
        seen = list(read_log(log, at, only_stopped=True))
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
        return [(fault, kind, n, seen, text) for text in wrong], seen


def read_log(log, at, only_stopped=False):
    """The calls of a log of strace: thread, kind, and the file with changing parts of its name taken out.
    With `only_stopped`, those at which a fault was injected: marked as injected, or the last of a killed thread."""
    call = re.compile(r"^(\d+) +(\w+)\((.*)")
    last = {}
    for line in log.read_text(errors="replace").splitlines():
        found = call.match(line)
        if not found:
            continue
        thread, kind, rest = found.groups()
        paths = re.findall(r'<([^>]+)>|"([^"]*)"', rest)
        path = next((a or b for a, b in paths if a or b), "")
        path = path.replace(str(at), "")
        path = re.sub(r"\.olmix-\w+", ".olmix-", path)
        path = re.sub(r"\d{4,}", "N", path) if path.startswith(("pipe:", "socket:", "/proc")) else path
        if not only_stopped:
            yield thread, kind, path
        elif "INJECTED" in line:
            yield thread, kind, path
        elif line.rstrip().endswith(("= ?", "<unfinished ...>", "...")):
            last[thread] = (thread, kind, path)
        else:
            last.pop(thread, None)
    if only_stopped:
        yield from last.values()


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
    if not shutil.which("strace"):
        raise SystemExit("interrupted.py: strace is not installed")
    home = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="interrupted-"))
    home.mkdir(parents=True, exist_ok=True)
    chosen = options.only.split(",") if options.only else [command.name for command in COMMANDS]
    failures = 0
    print("| command | calls that change files | killed | on a full disk | wrong | different calls stopped |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for command in COMMANDS:
        if command.name not in chosen:
            continue
        folder = home / command.name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        trials = Trials(options.olmix.resolve(), command, folder)
        points, calls = trials.points()
        work = [("kill", kind, n) for kind, n in points] + [
            ("full", kind, n) for kind, n in points if kind in GROWS and (kind, n) not in trials.wakes
        ]
        work = work[:: options.every]
        wrong, stopped = [], set()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for found, seen in pool.map(lambda job: trials.trial(*job[1], job[0]), enumerate(work)):
                wrong += found
                stopped |= {(kind, file) for _, kind, file in seen}
        killed = sum(fault == "kill" for fault, _, _ in work)
        failed = len({(fault, kind, n) for fault, kind, n, _, _ in wrong})
        print(f"| {command.name} | {len(points)} | {killed} | {len(work) - killed} | {failed} | {len(stopped & calls)} of {len(calls)} |", flush=True)
        for fault, kind, n, seen, text in wrong[:50]:
            files = ", ".join(sorted({f"{k} {f}" for _, k, f in seen})) or f"{kind} {n}"
            print(f"{command.name}: {fault} at {kind} {n} ({files}): {text}", file=sys.stderr, flush=True)
        failures += failed
        if not failed and not options.keep:
            shutil.rmtree(folder)
    sys.exit(1 if failures else 0)


main()
