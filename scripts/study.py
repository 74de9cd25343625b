"""Makes docs/study.md: every table by the command that stands above it.

    OLMIX_DATA=<folder of swarms> python3 scripts/study.py

needs `cargo build --release` before it and takes some minutes. The sentences between the tables are
those of scripts/study.md.in; `{table: …}` there is replaced by a command and its table.
"""

import csv
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(os.environ["OLMIX_DATA"]).resolve()
OLMIX = os.environ.get("OLMIX", ROOT / "target" / "release" / "olmix")
LAWS = [
    ("log_linear", ""),
    ("log_linear", "--ridge auto"),
    ("saturating", ""),
    ("saturating", "--ridge auto"),
    ("bimix", ""),
    ("autoscale", ""),
    ("gp", ""),
    ("lightgbm", ""),
]


def run(line, folder):
    """Runs `olmix …` with $OLMIX_DATA filled in."""
    words = shlex.split(line.replace("$OLMIX_DATA", str(DATA)))
    assert words[0] == "olmix"
    done = subprocess.run([OLMIX, *words[1:]], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{line}\n{done.stderr}")
    return done.stdout


def study(line, folder):
    out = f"study-{abs(hash(line))}"
    run(f"{line} --quiet --output-dir {out}", folder)
    question = shlex.split(line)[2]
    return (folder / out / f"{question}.md").read_text()


def regmix(folder):
    """RegMix's files in the format of a swarm; the mean mixture stands for the prior."""
    names, sums, runs = None, None, 0
    for part in ("train", "test"):
        for what, out in (("mixture", "ratios"), ("pile_loss", "metrics")):
            with open(DATA / "regmix" / f"{part}_{what}_1m.csv") as file:
                rows = list(csv.reader(file))
            def short(name):
                name = re.sub(r"^(train_the_pile_|metric/the_pile_)", "", name)
                return "run" if name == "index" else name.removesuffix("_val_loss")
            header = [short(name) for name in rows[0]]
            if part == "train" and what == "mixture":
                names = header[1:]
                sums = [sum(float(row[i + 1]) for row in rows[1:]) for i in range(len(names))]
                runs = len(rows) - 1
            with open(folder / f"{part}-{out}.csv", "w", newline="") as file:
                csv.writer(file).writerows([header, *rows[1:]])
    sizes = "".join(f"    {name}: {total / runs:.6f}\n" for name, total in zip(names, sums))
    return sizes, header[1:]


def config(law, target, sizes):
    return (
        "swarm: {ratios: train-ratios.csv, metrics: train-metrics.csv}\n"
        f"priors:\n  relative_sizes:\n{sizes}"
        f"eval: {{tasks: {{target: [{target}]}}}}\n"
        f"regression: {{type: {law}}}\n"
        "proposer: {fit_only: true}\n"
        "constraints: {target_tokens: 1e9}\n"
        "diagnostics: {folds: 5, bootstrap: 0}\n"
    )


def regmix_table(folder):
    sizes, targets = regmix(folder)
    heads = [f"{law} {more}".strip().replace("--ridge auto", "(ridge auto)") for law, more in LAWS]
    text = f"| target | {' | '.join(heads)} |\n| --- |{' ---: |' * len(heads)}\n"
    led = [0] * len(LAWS)
    for target in targets:
        row = []
        for law, more in LAWS:
            (folder / f"{law}.yaml").write_text(config(law, target, sizes))
            run(f"olmix fit --config {law}.yaml --quiet {more}", folder)
            line = "olmix predict --mixture out/mixture.json"
            line += " --ratios test-ratios.csv --metrics test-metrics.csv --json"
            scores = json.loads(run(line, folder))["scores"]
            row.append(scores[-1]["scores"]["spearman"])
        led[row.index(max(row))] += 1
        cells = [f"**{r:.4f}**" if r == max(row) else f"{r:.4f}" for r in row]
        text += f"| {target} | {' | '.join(cells)} |\n"
    return text + f"| targets led | {' | '.join(str(count) for count in led)} |\n"


def generation_config(folder):
    """The domains of full_recomputation as sources without topics."""
    counts, inside = [], False
    for line in (DATA / "olmix/full_recomputation/fit.yaml").read_text().splitlines():
        if re.match(r"\s*token_counts:", line):
            inside = True
        elif inside and (found := re.match(r"\s+(\S+): ([\d_]+)\s*$", line)):
            counts.append(found.groups())
        elif inside:
            break
    sources = "".join(f"    - {{name: \"{name}\", paths: [/data]}}\n" for name, _ in counts)
    tokens = "".join(f"    \"{name}\": {count}\n" for name, count in counts)
    (folder / "generate.yaml").write_text(
        f"name: designs\ndata:\n  sources:\n{sources}priors:\n  token_counts:\n{tokens}"
        "swarm: {variants: 200, candidates: 20000, seed: 0, repetition_factor: 4.0}\n"
        "max_tokens: 2910233600\n"
    )


def generate_table(folder):
    generation_config(folder)
    lines, rows = [], []
    for design in ("random", "maximin", "d_optimal", "v_optimal"):
        line = f"olmix generate --config generate.yaml --design {design} --output {design} --json"
        lines.append(line)
        drawn = json.loads(run(line, folder))
        errors = {entry["runs"]: f"{entry['prediction_error']:.3f}" for entry in drawn["worth"]}
        gained = drawn["information_gained"]
        row = [design, "–" if gained is None else f"{gained:.1f}"]
        rows.append(row + [errors.get(runs, "–") for runs in (100, 200, 400)])
    text = "```text\n" + "\n".join(lines) + "\n```\n\n"
    text += "| design | information | error, 100 runs | 200 runs | 400 runs |\n"
    text += "| --- |" + " ---: |" * 4 + "\n"
    return text + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main():
    template = (ROOT / "scripts" / "study.md.in").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def made(match):
            line = match[1].strip()
            print(line, flush=True)
            if line == "regmix":
                return regmix_table(folder)
            if line == "generate":
                return generate_table(folder)
            return f"```text\n{line}\n```\n\n{study(line, folder)}"

        text = re.sub(r"\{table: (.*?)\}\n", made, template)
    (ROOT / "docs" / "study.md").write_text(text)


main()
