"""The built-in trainer's model against PyTorch and Hugging Face transformers: logits and gradients.

Run with a Python that has torch, transformers and safetensors: python scripts/compare/proxy.py
Writes docs/comparison/proxy.md.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]


def relative(found, expected):
    return float(np.linalg.norm(found.astype(np.float64) - expected) / np.linalg.norm(expected))


def compare(folder, qk_norm):
    words = [folder] + (["qk_norm"] if qk_norm else [])
    # With the program, so that the libraries below it have the features that they need.
    packages = ["-p", "olmix", "-p", "olmix-proxy", "--example", "gradients"]
    subprocess.run(["cargo", "build", "--quiet", "--release", *packages], check=True, cwd=ROOT)
    subprocess.run([str(ROOT / "target/release/examples/gradients"), *words], check=True)
    folder = Path(folder)
    tokens = json.loads((folder / "tokens.json").read_text())
    model, output = folder / "model", folder / "torch.safetensors"
    script = ROOT / "trainers/torch/scripts/gradients.py"
    command = [sys.executable, script, "--model", model, "--tokens", folder / "tokens.json", "--output", output, "--double"]
    subprocess.run(command, check=True)
    ours, theirs = load_file(folder / "gradients.safetensors"), load_file(output)
    worst = max(((relative(ours[name], theirs[name]), name) for name in ours))
    logits = np.fromfile(folder / "logits.f32", dtype="<f4").reshape(len(tokens), -1, 257)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    with torch.no_grad():
        expected = loaded(torch.tensor(tokens)[:, :-1]).logits.numpy()
    return type(loaded).__name__, worst, float(np.abs(logits - expected).max()), float(np.abs(logits - theirs["logits"]).max())


def main():
    rows = []
    for qk_norm in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare(folder, qk_norm))
    lines = [
        "# The built-in trainer's model against PyTorch and transformers",
        "",
        "`python scripts/compare/proxy.py`: 3 sequences of 160 tokens through a model of 3 layers and 257 tokens that `olmix-proxy` wrote.",
        f"transformers {transformers.__version__} in single precision, torch {torch.__version__} in double.",
        "",
        "| loaded as | logits, greatest difference to transformers | to PyTorch in double | gradients, greatest relative difference of a tensor |",
        "| --- | ---: | ---: | --- |",
    ]
    for name, (off, tensor), hf, double in rows:
        lines.append(f"| `{name}` | {hf:.1e} | {double:.1e} | {off:.1e} (`{tensor}`) |")
    text = "\n".join(lines) + "\n"
    print(text)
    (ROOT / "docs/comparison/proxy.md").write_text(text)
    worst = max(max(row[2], row[1][0]) for row in rows)
    sys.exit(worst > 1e-4)


main()
