"""Makes docs/study-reuse.md: the case study of changing domains against two oracles.

    OLMIX_DATA=<folder of swarms> python3 scripts/study_reuse.py [--seeds 3]

needs `cargo build --release` before it and takes some minutes. The sentences are those of scripts/study-reuse.md.in.
"""

import argparse
import csv
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
OLMIX = os.environ.get("OLMIX", ROOT / "target" / "release" / "olmix")
DATA = pathlib.Path(os.environ["OLMIX_DATA"]).resolve()
CONFIG = "olmix/full_recomputation/fit.yaml"
REFERENCE = ("recompute", "3")


ORACLES = ("log_linear", "saturating")
TARGETS = ("1T", "6T")
UPDATES = ("code", "sources", "revision", "removal", "partition")
FIGURES = {"reuse.png": "study-reuse.png", "reuse-steps.png": "study-reuse-gaps.png", "reuse-coupling.png": "study-reuse-coupling.png"}


def run(question, seeds, folder):
    words = ["study", question, "--config", DATA / CONFIG, "--seeds", str(seeds), "--output-dir", folder, "--quiet"]
    subprocess.run([OLMIX, *words], check=True)


def rows(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def table(rows, oracle, tokens):
    """Methods of one oracle and target: runs, gain, its share of full recomputation's, distance to the optimum."""
    here = [row for row in rows if (row["oracle"], row["tokens"]) == (oracle, tokens) and row["gain"]]
    reference = next(float(row["gain"]) for row in here if (row["method"], row["c"]) == REFERENCE)
    best = 100 * float(here[0]["best_gain"])
    lines = [
        "| method | c | runs | gain over natural | share of full recomputation's | over the prior | total variation to the optimum | freed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in here:
        number = lambda name: float(row[name])
        lines.append(
            f"| {row['method']} | {row['c']} | {number('runs'):.0f} | {100 * number('gain'):.2f} ± {100 * number('gain_se'):.2f} % "
            f"| {100 * number('gain') / reference:.1f} % | {100 * number('gain_over_prior'):.2f} % | {number('variation'):.3f} "
            f"| {number('freed'):.1f} |"
        )
    return "\n".join(lines) + f"\n\nThe oracle's own optimum, with the same pull to the prior, gains {best:.2f} % over natural.\n"


def gaps(rows):
    """Methods with the most runs: reuse gap and performance gap of each update."""
    lines = ["| oracle | tokens | method | " + " | ".join(UPDATES) + " |", "| --- | --- | --- |" + " ---: |" * len(UPDATES)]
    cells = {}
    for row in rows:
        if row["c"] == "3":
            cell = f"{float(row['reuse_gap']):.3f}, {100 * float(row['performance_gap']):.2f} %"
            cells.setdefault((row["oracle"], row["tokens"], row["method"]), {})[row["update"]] = cell
    for keys, by_update in cells.items():
        lines.append("| " + " | ".join([*keys, *(by_update.get(update, "–") for update in UPDATES)]) + " |")
    return "\n".join(lines)


def coupling(rows):
    """Web topics by what they add to the coupling with code under the first oracle; 1T tokens, the most runs."""
    of = lambda oracle: {row["domain"]: row for row in rows if (row["oracle"], row["tokens"], row["c"]) == (oracle, "1T", "3")}
    first, second = (of(oracle) for oracle in ORACLES)
    number = lambda row, name: float(row[name])
    lines = [
        "| domain | log-linear: oracle's laws | fitted laws | freed | saturating: oracle's laws | fitted laws | freed |",
        "| --- |" + " ---: |" * 6,
    ]
    for domain in sorted(first, key=lambda domain: -number(first[domain], "oracle_coupling")):
        cells = []
        for row in (first[domain], second[domain]):
            fitted = f"{number(row, 'coupling'):.0f} ± {number(row, 'coupling_se'):.0f}"
            freed = f"{number(row, 'freed') * int(row['seeds']):.0f} of {row['seeds']}"
            cells += [f"{number(row, 'oracle_coupling'):.0f}", fitted, freed]
        lines.append(f"| `{domain}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def revision(rows):
    """Loss above the best by what becomes of old runs, by domains and share that changed: means over all else."""
    losses = ("in_use", "discarded", "full_weight", "share_kept", "steep", "rule")
    runs = {"topics": 195, "sources": 24}
    lines = []
    for domains in runs:
        for changed in ("0.01", "0.05", "0.2", "0.5"):
            here = [row for row in rows if (row["set"], row["changed"]) == (domains, changed)]
            mean = lambda name: sum(float(row[name]) for row in here) / len(here)
            error = lambda name: sum(float(row[f"{name}_se"]) ** 2 for row in here) ** 0.5 / len(here)
            cells = [f"{100 * mean(name):.3f} ± {100 * error(name):.3f} %" for name in losses]
            left = f"{mean('left'):.0f} of {runs[domains]} | {mean('weight'):.2f}"
            lines.append(f"| {domains} | {100 * float(changed):g} % | {left} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run("reuse", options.seeds, folder)
        run("revision", 2 * options.seeds, folder)
        found = rows(folder / "reuse.csv")
        revised = rows(folder / "revision.csv")
        steps, coupled = rows(folder / "reuse-steps.csv"), rows(folder / "reuse-coupling.csv")
        for made, kept in FIGURES.items():
            shutil.copy(folder / made, ROOT / "docs/images" / kept)
    text = (ROOT / "scripts/study-reuse.md.in").read_text().replace("{seeds}", str(options.seeds))
    text = text.replace("{gaps}", gaps(steps)).replace("{coupling}", coupling(coupled))
    text = text.replace("{revision}", revision(revised)).replace("{revision_seeds}", str(2 * options.seeds))
    for oracle in ORACLES:
        for tokens in TARGETS:
            text = text.replace(f"{{table: {oracle} {tokens}}}", table(found, oracle, tokens).rstrip("\n"))
    (ROOT / "docs/study-reuse.md").write_text(text)


main()
