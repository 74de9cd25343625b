#!/usr/bin/env python3
"""compare_outputs.py OLD NEW: do two builds of olmix write the same bytes?

Runs both programs on all sample data (the examples, the measured swarms at OLMIX_DATA, texts made here), each in a folder of
the same path, and compares every file and every standard output. Prints a table of cases, then what differs. The program's
version, times of day, durations and the name of the program are left out of the comparison. Exit code 1 when anything differs.
"""

import argparse
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("OLMIX_DATA", ROOT / "../shared/data")).resolve()

# What is not the method's: versions, times, durations, and hashes of records, which have times in them. The rest of a line with one of them is compared.
VOLATILE = [
    (re.compile(rb'"(version|olmix_version|program_version|created|at|began|ended|time|seconds|elapsed)": ?("[^"]*"|[0-9.e+-]+)'), rb'"\1": ~'),
    (re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC)?"), b"~time~"),
    (re.compile(rb"\b\d+(\.\d+)? (ms|s|min)\b"), b"~duration~"),
    (re.compile(rb"(?m)^hash +[0-9a-f]{64}$"), b"hash ~"),
    (re.compile(rb"olmix \d+\.\d+\.\d+"), b"olmix ~"),
]
# Databases carry times; what they say is compared by the commands that print it. Locks and journals are nobody's results.
SKIPPED = re.compile(r"(\.sqlite(-\w+)?|\.lock|\.journal|/log\.txt|evaluations\.jsonl|metrics\.jsonl)$")


def demo(folder):
    shutil.copytree(ROOT / "examples", folder / "examples")


def changed(folder, *pairs):
    demo(folder)
    path = folder / "examples/demo/fit.yaml"
    text = path.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)


def texts(folder):
    """Three small domains, from a fixed sequence of numbers."""
    state = 7
    for domain in ("arithmetic", "prose", "code"):
        with open(folder / f"{domain}.jsonl", "w") as file:
            for i in range(400):
                words = []
                for _ in range(30):
                    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                    words.append(f"{domain[:2]}{state >> 57}")
                file.write(json.dumps({"id": i, "text": " ".join(words)}) + "\n")
    for command in ("tokenize --input %s.jsonl --tokenizer bytes --output shards/%s --validation 0.1",):
        yield from (command % (domain, domain) for domain in ("arithmetic", "prose", "code"))


LAUNCH = """\
name: run
training: {proxy_model_id: demo, tokenizer: bytes, tokens: 20_000, global_batch_size: 1024, checkpoint_every: 8,
  model: {width: 32, heads: 2, hidden: 64, layers: 2}}
data:
  dtype: uint16
  sources:
    - {name: arithmetic, paths: ["shards/arithmetic/train/*.bin"]}
    - {name: prose, paths: ["shards/prose/train/*.bin"]}
    - {name: code, paths: ["shards/code/train/*.bin"]}
eval: {validation: {prose: shards/prose/validation/*.bin}}
"""
GENERATE = """\
name: made
data:
  dtype: uint16
  sources:
    - {name: arithmetic, paths: ["shards/arithmetic/train/*.bin"]}
    - {name: prose, paths: ["shards/prose/train/*.bin"]}
    - {name: code, paths: ["shards/code/train/*.bin"]}
swarm: {repetition_factor: 20}
max_tokens: 20_000
"""
MIX = "mix: {arithmetic: 0.3, prose: 0.5, code: 0.2}\n"
FIT = "fit --config examples/demo/fit.yaml --output-dir out"
FORMATS = "olmo-core megatron huggingface litgpt streaming levanter mix csv json yaml".split()


def measure(folder, swarm):
    """Stands in for training: losses of every mixture of a swarm, by a fixed law."""
    header = (folder / "examples/demo/metrics.csv").read_text().splitlines()[0]
    tasks = header.split(",")[1:]
    with open(folder / swarm / "ratios.csv") as file, open(folder / swarm / "metrics.csv", "w") as out:
        rows = list(csv.reader(file))
        out.write(header + "\n")
        for run, *weights in rows[1:]:
            losses = [1.5 + 0.1 * i - 0.3 * float(weights[i % len(weights)]) ** 0.5 for i in range(len(tasks))]
            out.write(",".join([run] + [f"{loss:.5f}" for loss in losses]) + "\n")


# name -> function of the folder that yields command lines, or other functions of the folder
def cases():
    laws = {"log_linear": "exact", "saturating": "exact", "bimix": "exact", "autoscale": "exact", "gp": "local", "auto": "exact"}
    for law, proposer in laws.items():
        def fit(folder, law=law, proposer=proposer):
            changed(folder, ("type: log_linear", f"type: {law}"), ("type: exact", f"type: {proposer}"))
            yield FIT + " --json"
        yield f"fit, {law}", fit
    for proposer, law, kl in (("local", "log_linear", "0.05"), ("simulation", "log_linear", "null"), ("search", "search", "null")):
        def fit(folder, proposer=proposer, law=law, kl=kl):
            changed(folder, ("type: exact", f"type: {proposer}"), ("type: log_linear", f"type: {law}"), ("kl_reg: 0.05", f"kl_reg: {kl}"))
            yield FIT + " --bootstrap 10"
        yield f"fit, proposer {proposer}", fit
    for preset in "olmixbase data-mixing-laws bimix autoscale admire unimax natural uniform temperature".split():
        def fit(folder, preset=preset):
            demo(folder)
            yield f"{FIT} --bootstrap 10 --preset {preset}"
        yield f"fit, preset {preset}", fit

    def ridge(folder):
        changed(folder, ("kl_reg: 0.05", "kl_reg: auto"))
        yield FIT + " --ridge auto --bootstrap 10"
    yield "fit, ridge and KL from data", ridge

    def after(folder):
        demo(folder)
        yield FIT
        yield "predict --mixture out/mixture.json --ratios examples/demo/ratios.csv --metrics examples/demo/metrics.csv --output predicted.csv"
        yield "sweep --config examples/demo/fit.yaml --target-tokens 1e10,2e10 --repetition 2,4 --kl 0.01,0.05 --output-dir swept"
        yield "compare --config examples/demo/fit.yaml --presets olmixbase,bimix,unimax,natural --output-dir compared"
        yield "mix diff examples/demo/fit.yaml out/mixture.json"
        yield "mix show out/mixture.json"
        (folder / "old.json").write_text('{"web:general": 0.6, "web:science": 0.2, "books": 0.15, "wikipedia": 0.05}')
        yield "analyze reuse --old old.json --new out/mixture.json --json"
        yield "priors show examples/swarm/generate.yaml"
        for form in FORMATS:
            yield f"export --mixture out/mixture.json --format {form} --data examples/swarm/generate.yaml --output exported.{form}"
    yield "predict, sweep, compare, mix, analyze, export", after

    def studies(folder):
        demo(folder)
        for question in ("granularity", "laws", "solver"):
            yield f"study {question} --config examples/demo/fit.yaml --seeds 1 --law saturating --output-dir out --json"
    yield "studies", studies

    def generate(folder):
        demo(folder)
        yield "generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml --output swarm"
        (folder / "examples/swarm/generate.yaml").write_text((folder / "examples/swarm/generate.yaml").read_text().replace("v_optimal", "maximin"))
        yield "generate --config examples/swarm/generate.yaml --output maximin --variants 12"
    yield "generate", generate

    def runs(folder):
        yield from texts(folder)
        (folder / "generate.yaml").write_text(GENERATE)
        yield "priors compute --config generate.yaml --no-cache --output priors.yaml"
        (folder / "generate.yaml").write_text(GENERATE + (folder / "priors.yaml").read_text())
        (folder / "launch.yaml").write_text(LAUNCH)
        (folder / "one.yaml").write_text(LAUNCH + MIX)
        yield "proxy train --config one.yaml --out one --threads 1 --json"
        yield "proxy eval --model one --json"
        yield "generate --config generate.yaml --base launch.yaml --output swarm --variants 4"
        yield "launch preview --variants swarm/launch"
        yield "launch run --variants swarm/launch --quiet"
        yield "collect --swarm swarm/runs --output swarm"
    yield "tokenize, priors, proxy, launch, collect", runs

    def project(folder):
        demo(folder)
        yield FIT + " --bootstrap 0"
        yield "init house --from examples/demo/fit.yaml"
        yield "commit out/mixture.json --project house"
        yield "update add code:rust=4e8 --tasks code --project house"
        for method in ("recompute", "full-reuse", "partial-reuse", "swarm-reuse"):
            yield f"plan --project house --method {method} --json"
        yield "plan --project house --write second"
        yield "generate --config second/generate.yaml --base examples/swarm/launch.yaml --output second"
        yield lambda at: measure(at, "second")
        yield "fit --config second/fit.yaml --output-dir second/out --bootstrap 0"
        yield "commit second/out/mixture.json --project house"
        yield "show main --project house"
        yield "log --project house"
        yield "diff domains@1 domains@2 --project house"
        yield "verify --project house"
    yield "init, update, plan, commit, show, log", project

    def regmix(folder):
        # The published swarm's columns carry prefixes; the library's loader takes them as they are.
        names = {"train_mixture_1m.csv": "ratios.csv", "train_pile_loss_1m.csv": "metrics.csv"}
        for source, name in names.items():
            with open(DATA / "regmix" / source) as file, open(folder / name, "w", newline="") as out:
                rows = list(csv.reader(file))
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(["run"] + rows[0][1:])
                writer.writerows([f"r{row[0]}"] + row[1:] for row in rows[1:])
        with open(folder / "ratios.csv") as file:
            domains = next(csv.reader(file))[1:]
        sizes = "".join(f'    "{name}": {i + 1}\n' for i, name in enumerate(domains))
        (folder / "fit.yaml").write_text(f"swarm: {{ratios: ratios.csv, metrics: metrics.csv}}\npriors:\n  relative_sizes:\n{sizes}")
        yield "fit --config fit.yaml --output-dir out --bootstrap 0"
        yield "fit --config fit.yaml --output-dir trees --bootstrap 0 --folds 0 --preset regmix"
    if DATA.is_dir():
        yield "fit, published swarm of RegMix", regmix
        for swarm in ("dclm", "full_recomputation", "update5"):
            def measured(folder, swarm=swarm):
                shutil.copytree(DATA / "olmix" / swarm, folder / "swarm")
                yield "fit --config swarm/fit.yaml --output-dir out --bootstrap 10"
                yield "fit --config swarm/fit.yaml --output-dir saturating --preset olmixbase --bootstrap 0 --json"
            yield f"fit, measured swarm {swarm}", measured


def normal(data):
    for pattern, put in VOLATILE:
        data = pattern.sub(put, data)
    return data


def run_case(program, case, folder):
    """What a case leaves: its files and what its commands printed."""
    left, folder = {}, folder / "run"
    folder.mkdir()
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "120", "NO_COLOR": "1"}
    number = 0
    for step in case(folder):
        if callable(step):
            step(folder)
            continue
        number += 1
        done = subprocess.run([program, *step.split()], cwd=folder, env=environment, capture_output=True)
        left[f"{number:02} exit code of: {step}"] = str(done.returncode).encode()
        left[f"{number:02} printed by: {step}"] = normal(done.stdout)
        left[f"{number:02} said by: {step}"] = normal(done.stderr)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not SKIPPED.search("/" + name) and not name.startswith(("cache/", "examples/")):
            left[name] = normal(path.read_bytes())
    shutil.rmtree(folder)
    return left


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    options = parser.parse_args()
    programs = [str(pathlib.Path(program).resolve()) for program in (options.old, options.new)]
    differing, failed = [], 0
    print("| case | commands | files | bytes | different |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases():
            if options.only not in name:
                continue
            old, new = (run_case(program, case, pathlib.Path(folder)) for program in programs)
            names = sorted(old.keys() | new.keys())
            different = [key for key in names if old.get(key) != new.get(key)]
            commands = sum(" exit code of: " in key for key in names)
            failed += sum(" exit code of: " in key and old[key] != b"0" for key in old)
            for key in old:
                if " exit code of: " in key and old[key] != b"0":
                    message = old[key.replace("exit code of", "said by")].decode(errors="replace")
                    print(f"note: exit code {old[key].decode()}: {key[17:]}\n{message}", file=sys.stderr)
            size = sum(map(len, old.values()))
            print(f"| {name} | {commands} | {len(names) - 3 * commands} | {size:,} | {len(different) or 'none'} |", flush=True)
            differing += [(name, key, old.get(key), new.get(key)) for key in different]
    for name, key, old, new in differing:
        print(f"\n{name}: {key}")
        if old is None or new is None:
            print("  only in the", "new" if old is None else "old")
            continue
        before, after = (text.decode(errors="replace").splitlines() for text in (old, new))
        lines = [(a, b) for a, b in zip(before, after) if a != b][:5]
        print("\n".join(f"  - {a[:300]}\n  + {b[:300]}" for a, b in lines) or f"  {len(before)} lines, {len(after)} lines")
    print(f"\n{len(differing)} differences; {failed} commands of the old program failed")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
