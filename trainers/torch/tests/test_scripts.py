import json
import subprocess
import sys

import pytest
import torch
from conftest import TRAINER, environment, make_run, train
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def script(name, *options):
    words = [sys.executable, str(TRAINER / "scripts" / name), *map(str, options)]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("qk_norm", [False, True])
def test_gradients_are_those_of_transformers_and_of_differences(tmp_path, qk_norm):
    make_run(tmp_path / "run", model=dict(qk_norm=qk_norm, init_std=0.2), recipe=dict(steps=3))
    assert train(tmp_path / "run").returncode == 0
    folder, file = tmp_path / "run/model", tmp_path / "tokens.json"
    tokens = torch.randint(0, 61, (3, 17), generator=torch.Generator().manual_seed(0))
    file.write_text(json.dumps(tokens.tolist()))
    found = {}
    for name, options in (("single", []), ("double", ["--double"])):
        out = tmp_path / f"{name}.safetensors"
        script("gradients.py", "--model", folder, "--tokens", file, "--output", out, "--z-loss", 0.01, *options)
        found[name] = load_file(out)

    theirs = AutoModelForCausalLM.from_pretrained(folder)
    logits = theirs(tokens[:, :-1]).logits
    entropy = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:])
    loss = entropy + 0.01 * logits.logsumexp(-1).square().mean()
    loss.backward()
    for kind in found.values():
        assert kind["logits"].shape == (3, 16, 61)
        assert (kind["logits"] - logits).abs().max() < 1e-5
        assert kind["loss"].item() == pytest.approx(loss.item(), abs=1e-5)
        for name, parameter in theirs.named_parameters():
            error = (kind[name] - parameter.grad).norm() / parameter.grad.norm()
            assert error < 1e-5, name
    assert found["double"]["lm_head.weight"].dtype == torch.float64

    # Along the gradient the loss rises by its squared norm.
    weights, step = load_file(folder / "model.safetensors"), 1e-4
    norm = sum(found["double"][name].square().sum() for name in weights).item()
    sides = []
    for sign in (1, -1):
        theirs.load_state_dict({name: w + sign * step * found["single"][name] for name, w in weights.items()})
        logits = theirs(tokens[:, :-1]).logits.double()
        entropy = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:])
        sides.append((entropy + 0.01 * logits.logsumexp(-1).square().mean()).item())
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(norm, rel=1e-2)


def test_throughput_is_measured_of_a_run(tmp_path):
    make_run(tmp_path / "run")
    measured = json.loads(script("throughput.py", "--run", tmp_path / "run", "--threads", 1, "--seconds", 0.2))
    assert measured["tokens_per_second"] > 0 and measured["threads"] == 1
    assert measured["batch_tokens"] == 8 * 16 and measured["cores_used_by_others"] is not None
