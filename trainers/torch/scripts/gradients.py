"""Logits, loss and gradients of a saved model, to check another implementation by.

    python scripts/gradients.py --model RUN/model --tokens sequences.json --output gradients.safetensors [--double]

`sequences.json` is a list of lists of T + 1 token ids. The loss is the mean cross entropy over all positions and
z_loss times the mean squared logsumexp. The output holds the gradient of every parameter under its name in
model.safetensors, `logits` (sequences × T × vocabulary), and `loss`, `cross_entropy`, `squared_normalizer`.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from olmix_torch.model import ProxyModel, rotation  # noqa: E402
from olmix_torch.plan import Model  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="folder of config.json and model.safetensors")
    parser.add_argument("--tokens", required=True, type=Path, help="a .json list of lists of token ids")
    parser.add_argument("--output", required=True, type=Path, help="a .safetensors file")
    parser.add_argument("--z-loss", type=float, default=1e-5)
    parser.add_argument("--double", action="store_true", help="compute in float64")
    options = parser.parse_args()

    config = json.loads((options.model / "config.json").read_text())
    shape = shape_of(config)
    model = ProxyModel(shape)
    model.load_state_dict(load_file(options.model / "model.safetensors"))
    if options.double:
        model.double()
        model.model.cos, model.model.sin = rotation(shape, torch.float64)
    tokens = torch.tensor(json.loads(options.tokens.read_text()))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    entropy, normalizer = model(inputs, targets)
    loss = entropy + options.z_loss * normalizer
    loss.backward()
    out = {name: parameter.grad for name, parameter in model.named_parameters()}
    with torch.no_grad():
        out["logits"] = model.logits(inputs)
    out |= {"loss": loss.detach(), "cross_entropy": entropy.detach(), "squared_normalizer": normalizer.detach()}
    save_file({name: value.contiguous() for name, value in out.items()}, options.output)


def shape_of(config):
    """The shape of a Llama or Qwen3 model without grouped queries or biases."""
    theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
    return Model(
        size="",
        vocab=config["vocab_size"],
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["intermediate_size"],
        context=config["max_position_embeddings"],
        rope_theta=float(theta),
        norm_eps=config["rms_norm_eps"],
        qk_norm=config["model_type"] == "qwen3",
        init_std=0.02,
    )


if __name__ == "__main__":
    main()
