"""How wrong is the optimum of proxies that repeat their data less than the final run? Training, on the demo's data.

    python scripts/study_repetition.py [--tokens 800000] [--shares 8,32] [--keep 1] [--runs 27] [--olmix target/release/olmix]

For each seed, swarms of the same mixtures are trained: one at the tokens of the target, which gives the truth, and for
each share two at that share of its tokens, without and with data.simulate_target_tokens. Each swarm has its own best
mixture (`olmix fit`, saturating laws, no caps); the error is the total variation between it and the target's. Then the
swarms with simulated repetition, and the target's own, say what repeats are worth (`--repetition measured`).

Everything is in --output; what was trained is not trained again. Prints a table in Markdown.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(program, folder, *words):
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"olmix {' '.join(words)} in {folder}:\n{done.stderr}")
    return done.stdout


# The demo's small domains.
SCARCE = ["arithmetic", "code", "tables", "questions"]


def world(program, folder, seed, keep):
    """The demo's data, tasks and configs; the demo itself goes no further. Of scarce domains, so much is kept."""
    if (folder / "world").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [program, "demo", "--seed", str(seed), "--output", str(folder), "--quiet"]
    demo = subprocess.Popen(command)
    while demo.poll() is None and not (folder / "fit.yaml").exists():
        time.sleep(0.1)
    demo.send_signal(signal.SIGINT)
    demo.wait()
    if keep < 1:
        for name in SCARCE:
            make_scarcer(program, folder, name, keep)
    (folder / "world").touch()


def make_scarcer(program, folder, name, keep):
    text = folder / f"docs/{name}.jsonl"
    documents = text.read_text().splitlines(keepends=True)
    text.write_text("".join(documents[: max(1, round(keep * len(documents)))]))
    shutil.rmtree(folder / f"shards/{name}")
    words = ["--input", str(text), "--tokenizer", "bytes", "--output", f"shards/{name}", "--validation", "0.05"]
    run(program, folder, "tokenize", *words)
    # Two bytes a token.
    tokens = sum(shard.stat().st_size // 2 for shard in (folder / f"shards/{name}/train").glob("*.bin"))
    for config in ("generate.yaml", "fit.yaml"):
        path = folder / config
        path.write_text(re.sub(rf"(token_counts:\n(?: +\w+: \d+\n)*? +{name}:) \d+", rf"\1 {tokens}", path.read_text()))


def swarm(program, folder, name, tokens, simulated, runs, threads):
    """Trains a swarm, and returns the folder with its tables."""
    place = folder / name
    if (place / "metrics.csv").exists():
        return place
    place.mkdir(exist_ok=True)
    generate = (folder / "generate.yaml").read_text().replace("variants: 27", f"variants: {runs}")
    generate = generate.replace("max_tokens: 300000", f"max_tokens: {tokens}")
    if simulated:
        generate = generate.replace("data:\n", f"data:\n  simulate_target_tokens: {simulated}\n", 1)
    base = (folder / "launch.yaml").read_text().replace("tokens: 300000", f"tokens: {tokens}")
    (place / "generate.yaml").write_text(generate)
    (place / "launch.yaml").write_text(base)
    if not (place / "swarm").exists():
        run(program, place, "generate", "--config", "generate.yaml", "--base", "launch.yaml", "--output", "swarm")
    run(program, place, "launch", "run", "--variants", "swarm/launch", *threads)
    run(program, place, "collect", "--swarm", "swarm/runs", "--output", ".")
    return place


def fitted(program, folder, place, tokens, *flags):
    """The mixture file of a fit without caps."""
    (place / "fit.yaml").write_text((folder / "fit.yaml").read_text())
    settings = ["constraints.enabled=false", "regression.ridge=3e-4", "diagnostics.bootstrap=0"]
    settings.append(f"constraints.target_tokens={tokens}")
    words = [word for setting in settings for word in ("--set", setting)]
    return json.loads(run(program, place, "fit", "--config", "fit.yaml", "--json", *words, *flags))


def weights(mixture):
    return {domain["name"]: domain["weight"] for domain in mixture["domains"]}


def distance(a, b):
    return sum(abs(a[name] - b[name]) for name in a) / 2


def epochs(mixture):
    seen = [(domain["epochs"], domain["name"]) for domain in mixture["domains"]]
    return ", ".join(f"{name} {times:.1f}" for times, name in sorted(seen, reverse=True)[:3])


def value(mixture):
    found = mixture["repetition"]
    def shown(number):
        return "∞" if number is None else f"{number:.1f}"
    kept = "taken" if found["r_star"] is not None else "not told from none"
    return f"{shown(found['best'])} ({shown(found['low'])} to {shown(found['high'])}), {kept}"


def study(options, seed):
    program = options.olmix
    folder = Path(options.output).resolve() / f"seed-{seed}"
    world(program, folder, seed, options.keep)
    threads = ["--threads", str(options.threads)] if options.threads else []
    cases = []
    for share in options.shares:
        tokens = options.tokens // share
        for simulated in (None, options.tokens):
            name = f"share-{share}{'-simulated' if simulated else ''}"
            place = swarm(program, folder, name, tokens, simulated, options.runs, threads)
            cases.append((share, simulated, place))
    truth = swarm(program, folder, "target", options.tokens, None, options.runs, threads)
    best = fitted(program, folder, truth, options.tokens)
    measured = fitted(
        program, folder, truth, options.tokens, "--repetition", "measured", "--set", f"swarm.run_tokens={options.tokens}"
    )
    yield f"| {seed} | 1 | | 0 | {best['predicted']:.4f} | {epochs(best)} | {value(measured)} |"
    for share, simulated, place in cases:
        found = fitted(program, folder, place, options.tokens)
        told = ""
        if simulated:
            told = value(fitted(program, folder, place, options.tokens, "--repetition", "measured"))
        error = distance(weights(found), weights(best))
        yield (
            f"| {seed} | 1/{share} | {'yes' if simulated else 'no'} | {error:.3f} | {loss_there(program, truth, found):.4f} "
            f"| {epochs(found)} | {told} |"
        )


def loss_there(program, truth, mixture):
    """The average loss that the target's laws predict at a mixture."""
    names, values = zip(*weights(mixture).items())
    rows = f"run,{','.join(names)}\nbest,{','.join(map(str, values))}\n"
    (truth / "other.csv").write_text(rows)
    run(program, truth, "predict", "--mixture", "out/mixture.json", "--ratios", "other.csv", "--output", "other-losses.csv")
    head, row = (truth / "other-losses.csv").read_text().splitlines()[:2]
    cells = dict(zip(head.split(","), row.split(",")))
    return float(cells["average"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=800_000)
    parser.add_argument("--shares", type=lambda text: [int(share) for share in text.split(",")], default=[8, 32])
    parser.add_argument("--runs", type=int, default=27)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--keep", type=float, default=1.0, help="share of the documents of small domains that is kept")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--olmix", default=str(ROOT / "target/release/olmix"))
    parser.add_argument("--output", default="out/study-repetition")
    options = parser.parse_args()
    print("| seed | tokens | simulated | error of the optimum | its loss at the target | most epochs | r* |")
    print("| ---: | ---: | --- | ---: | ---: | --- | --- |")
    for seed in range(options.seeds):
        for row in study(options, seed):
            print(row, flush=True)


main()
