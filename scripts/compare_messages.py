#!/usr/bin/env python3
"""compare_messages.py OLD NEW: what do two builds of olmix say of the same bad inputs?

Bad inputs are made from good ones by fixed rules (every line of every file misspelt, dropped, doubled, given a value of another
kind, or cut), and listed by hand below: what tests refuse, and misuse of every command. Both programs get each of them in a
folder of the same path; exit code and standard error are compared. Prints every difference, then a count. Exit code 1 when
anything differs, 2 when a message of the new program is none (a panic, no `error:`, no `help:`).
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from compare_outputs import FIT, GENERATE, LAUNCH, MIX, ROOT

DEMO = {f"examples/demo/{name}": (ROOT / "examples/demo" / name).read_text() for name in ("fit.yaml", "ratios.csv", "metrics.csv")}
SWARM = {f"examples/swarm/{name}": (ROOT / "examples/swarm" / name).read_text() for name in ("generate.yaml", "launch.yaml")}
RICH = """\
regression: {type: saturating, seed: 3, n_test: 0, train_split: 0.9, ridge: auto, huber_delta: 0.02, dead_domains: hold}
proposer: {type: exact, temperature: null, kl_reg: 0.05, fit_only: false, make_worst_mix: false}
constraints:
  enabled: true
  target_tokens: 10_000_000_000
  repetition_factor: 4.0
  bounds: {math: {min: 0.01, max: 0.2}}
  groups: {web: {domains: ["web:*"], max: 0.9}}
filtering:
  drop_metrics: [code_sql]
  obj_weights: {qa_history: 7/52.0, qa_science: 2}
  directions: {qa_commonsense: min}
diagnostics: {folds: 2, bootstrap: 10, confidence: 0.9}
"""
GIVEN = ("regression:", "constraints:", "proposer:", "filtering:", "diagnostics:", "eval:")
RUN = LAUNCH + MIX + """\
engine: {type: slurm, partition: gpu, gpus: 1, cpus: 4, time: 2:00:00, jobs: 64, setup: [module load cuda], env: {A: b},
  evaluation: {partition: cpu, time: 30}, storage: "s3://bucket/swarm", scratch: /local/olmix}
"""
COMMAND = """\
name: run-00
group_id: group
training: {seed: 0}
trainer:
  command: sh trainer.sh {out} {mix_json}
  timeout: 60
engine: {type: ray, address: "http://127.0.0.1:1", cpus: 1, jobs: 4, runtime_env: {env_vars: {A: b}}}
mix: {a: 0.5, b: 0.5}
"""
UPDATE = """\
- add: {poems: {tokens: 1e6, paths: [poems/*.bin]}}
- remove: [books]
- revise: {code: {tokens: 1e9}}
- partition: {math: {into: {math:a: 1e8, math:b: 2e8}}}
"""
MIXTURE = '{"web:general": 0.5, "web:science": 0.2, "code": 0.1, "math": 0.1, "books": 0.1, "wikipedia": 0}\n'
TEXTS = '{"text": "one"}\n{"text": "two words"}\n{"text": "three words here"}\n'
METRICS = {"m/a.json": '{"loss": 1, "eval": {"x": 0.5}}\n', "m/b.json": '{"loss": 2, "eval": {"x": 0.7}}\n', "ratios.csv": "run,web,code\na,0.5,0.5\nb,1,0\n"}

# Files, the one that is spoilt, and the command that reads it.
SPOILT = [
    (DEMO, "examples/demo/fit.yaml", FIT + " --folds 0 --bootstrap 0 --quiet"),
    (DEMO, "examples/demo/ratios.csv", FIT + " --folds 0 --bootstrap 0 --quiet"),
    (DEMO, "examples/demo/metrics.csv", FIT + " --folds 0 --bootstrap 0 --quiet"),
    ({**DEMO, "rich.yaml": "RICH"}, "rich.yaml", "fit --config rich.yaml --output-dir out --folds 0 --bootstrap 0 --quiet"),
    (SWARM, "examples/swarm/generate.yaml", "generate --config examples/swarm/generate.yaml --output swarm --variants 4 --quiet"),
    (SWARM, "examples/swarm/launch.yaml", "generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml --output swarm --variants 4 --quiet"),
    ({"launch/run.yaml": RUN}, "launch/run.yaml", "launch preview --variants launch --engine slurm"),
    ({"launch/run.yaml": COMMAND}, "launch/run.yaml", "launch preview --variants launch --engine ray"),
    ({"launch/run.yaml": RUN}, "launch/run.yaml", "proxy train --config launch/run.yaml --out run"),
    ({"generate.yaml": GENERATE}, "generate.yaml", "priors compute --config generate.yaml --no-cache"),
    ({**DEMO, "update.yaml": UPDATE}, "update.yaml", "update apply update.yaml --project house"),
    ({**DEMO, "mixture.json": MIXTURE}, "mixture.json", "mix show mixture.json"),
    ({**DEMO, "mixture.json": MIXTURE}, "mixture.json", "commit mixture.json --project house"),
    ({**SWARM, "mixture.json": MIXTURE}, "mixture.json", "export --mixture mixture.json --format olmo-core --data examples/swarm/generate.yaml"),
    ({"texts.jsonl": TEXTS}, "texts.jsonl", "tokenize --input texts.jsonl --tokenizer bytes --output shards --quiet"),
    (METRICS, "m/a.json", "collect --swarm m --ratios ratios.csv --output out"),
    (METRICS, "ratios.csv", "collect --swarm m --ratios ratios.csv --output out"),
]
# What is set up before a command with `--project house`.
PROJECT = "init house --from examples/demo/fit.yaml"

# Files and a command, each wrong by itself.
LISTED = [({}, command) for command in """\
fit
fit --config nowhere.yaml
fit --config
fitt
predict --mixture nowhere.json --ratios nowhere.csv
sweep --config nowhere.yaml
compare --config nowhere.yaml
study nothing --config nowhere.yaml
export --mixture nowhere.json --format csv
export --format nothing
generate --config nowhere.yaml
priors show nowhere.yaml
priors compute --config nowhere.yaml
tokenize --input nowhere.jsonl --tokenizer bytes --output out
tokenize --input s3://bucket/a.jsonl --tokenizer bytes --output out
tokenize --input none/*.jsonl --tokenizer nothing.json --output out
tokenize --input . --tokenizer bytes --output out
launch run --variants nowhere
launch preview --variants nowhere
launch status --variants nowhere
launch cancel --variants nowhere
launch logs run --variants nowhere
collect --swarm nowhere --output out
collect --swarm http://127.0.0.1:1 --output out
proxy train --config nowhere.yaml --out out
proxy eval --model nowhere
init house --from nowhere.yaml
commit mixture.json
plan
log
show main
diff a b
verify
tag a b
update add a=1
update remove a
update apply nowhere.yaml
analyze reuse --old a.json --new b.json
mix show nowhere.json
mix diff a.json b.json
completions tcsh-9""".splitlines()]
LISTED += [(DEMO, f"{FIT} {more}") for more in """\
--threads 0
--threads 100000
--folds 1
--bootstrap 3
--ridge -1
--ridge much
--dead-domains drop
--preset regmx
--preset admire --ridge auto
--target-tokens 0
--target-tokens 9e14
--seed -1
--nothing""".splitlines()]
LISTED += [(DEMO, f"{command} --config examples/demo/fit.yaml {more}") for command, more in [
    ("sweep", "--target-tokens 0"), ("sweep", "--repetition -1"), ("sweep", "--kl x"), ("sweep", "--target-tokens 9e14"),
    ("compare", "--presets nothing"), ("compare", "--presets bimix,bimix"), ("study laws", "--seeds 0"), ("study laws", "--law nothing"),
    ("study proxy-size", ""), ("study proxy-size", "--against nowhere.csv"), ("study nothing", ""), ("fit", "--output-dir /proc/olmix")]]
LISTED += [({**DEMO, "first.json": MIXTURE}, f"{command} --project house") for command in """\
update remove wiki
update revise webs=10
update add books=10
update partition web --into a=1 b=2
update partition math --into math:a=2e8 math:b=2e8
update partition math --into math:a=1e8 math:b=1e8
update partition math --into math:a=1e8
update remove web:general web:science code math books wikipedia
update revise books
update add code=many
update add poems
update add a::b=10
update add run=10
plan --method nothing
plan --method full-reuse
plan --method recompute --free code
plan --method swarm-reuse --freeze a=web:*
plan --from main@7
plan --from domains@1
commit
commit nowhere.json
commit first.json --line fit
show main
show nothing@1
diff domains nothing
tag domains main
init""".splitlines()]
LISTED += [({"launch/run.yaml": COMMAND}, f"{command} --variants launch") for command in """\
launch run --engine local --detach
launch run --engine nothing
launch run --jobs 0
launch run --retries -1
launch run --engine slurm --ledger other.sqlite
launch status
launch cancel run-99
launch cancel --all --waiting
launch cancel
launch logs run-99
launch logs""".splitlines()]
LISTED += [({"a.yaml": text}, "mix show a.yaml") for text in ("just text", "{name: x, list: [1]}", "{a: 1.0, b: -0.5}", "{a: 0, b: 0}", "mix: {a: {weight: much}}", "priors: {}")]
LISTED += [({"a.jsonl": text}, "tokenize --input a.jsonl --tokenizer bytes --output out") for text in ('{"text": 3}\n', '{"body": "x"}\n', "", "[]\n", '{"text": ""}\n')]


def spoil(text, header_only):
    """The same file, spoilt in every way at every line; tables at their first lines."""
    lines = text.splitlines(keepends=True)
    for i, line in enumerate(lines[:4] if header_only else lines):
        def put(*new, i=i):
            return "".join(lines[:i] + list(new) + lines[i + 1:])
        yield f"line {i + 1} dropped", put()
        yield f"line {i + 1} doubled", put(line, line)
        yield f"line {i + 1} cut", "".join(lines[:i]) + line[: len(line) // 2]
        keys = list(re.finditer(r"[A-Za-z_]{3,}(?=:)", line)) or list(re.finditer(r"\w{2,}", line))[:2]
        for key in keys:
            at = key.end() - 1
            yield f"line {i + 1}, `{key.group()}` misspelt", put(line[:at] + "x" + line[at:])
        values = re.finditer(r"(?<=[:,\[] )[\w.\"'-]+|(?<=,)[\w.-]+", line)
        for value in values:
            for new in ("-1", "nan", "text", "[1, {a: b}]", "null", "1e400"):
                yield f"line {i + 1}, {value.group()} is {new}", put(line[: value.start()] + new + line[value.end():])
    yield "empty", ""
    yield "no text", "PK\x03\x04\0\0" + text[:20]


def all_inputs():
    rich = without_sections(DEMO["examples/demo/fit.yaml"]) + RICH
    rich = rich.replace("ratios.csv", "examples/demo/ratios.csv").replace("metrics.csv", "examples/demo/metrics.csv")
    for files, name, command in SPOILT:
        files = {file: rich if text == "RICH" else text for file, text in files.items()}
        for how, text in spoil(files[name], name.endswith(".csv")):
            yield f"{name}: {how}", {**files, name: text}, command
    for files, command in LISTED:
        yield "listed", files, command


def without_sections(text):
    """A config without the sections that the rich one has."""
    kept, skipping = [], False
    for line in text.splitlines():
        if line and not line[0].isspace():
            skipping = line.startswith(GIVEN)
        if not skipping:
            kept.append(line)
    return "\n".join(kept) + "\n"


def say(program, folder, files, command):
    """Exit code and message of a command in a folder with these files."""
    if folder.exists():
        shutil.rmtree(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.mkdir(exist_ok=True)
    def run(line):
        return subprocess.run([program, *line.split()], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    if "--project house" in command:
        run(PROJECT)
    done = run(command)
    return done.returncode, done.stderr.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="only every Nth input, for a quick look")
    options = parser.parse_args()
    old, new = (str(pathlib.Path(program).resolve()) for program in (options.old, options.new))
    inputs = list(all_inputs())[:: options.every]
    with tempfile.TemporaryDirectory() as root, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        def both(numbered):
            number, (_, files, command) = numbered
            folder = pathlib.Path(root) / f"{number:05}"
            answers = [say(program, folder, files, command) for program in (old, new)]
            shutil.rmtree(folder)
            return answers
        answers = list(pool.map(both, enumerate(inputs)))
    same = refused = 0
    different, bad = {}, []
    for (how, _, command), (before, after) in zip(inputs, answers):
        refused += before[0] != 0
        if before == after:
            same += 1
        else:
            different.setdefault((before, after), []).append((how, command))
        code, message = after
        helpless = "error:" not in message or not ("help:" in message or "--help" in message)
        if code not in (0, 2) or "panicked" in message or (code == 2 and helpless):
            bad.append((how, command, code, message))
    for (before, after), places in different.items():
        how, command = places[0]
        print(f"\n{how}\n$ olmix {command}" + (f"\n  and {len(places) - 1} more inputs" if len(places) > 1 else ""))
        for sign, (code, message) in (("-", before), ("+", after)):
            print("\n".join(f"{sign} {line}" for line in [f"exit code {code}", *message.splitlines()]))
    for how, command, code, message in bad:
        print(f"\nno good message: {how}\n$ olmix {command}\nexit code {code}: {message}")
    print(f"\n{len(inputs)} inputs, {refused} refused by the old program; {same} the same, {len(inputs) - same} different "
          f"({len(different)} kinds); {len(bad)} without a good message")
    sys.exit(2 if bad else bool(different))


if __name__ == "__main__":
    main()
