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


def rows(seeds, folder):
    words = ["study", "reuse", "--config", DATA / CONFIG, "--seeds", str(seeds), "--output-dir", folder, "--quiet"]
    subprocess.run([OLMIX, *words], check=True)
    with open(folder / "reuse.csv") as file:
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found = rows(options.seeds, folder)
        shutil.copy(folder / "reuse.png", ROOT / "docs/images/study-reuse.png")
    text = (ROOT / "scripts/study-reuse.md.in").read_text().replace("{seeds}", str(options.seeds))
    for oracle in ("log_linear", "saturating"):
        for tokens in ("1T", "6T"):
            text = text.replace(f"{{table: {oracle} {tokens}}}", table(found, oracle, tokens).rstrip("\n"))
    (ROOT / "docs/study-reuse.md").write_text(text)


main()
