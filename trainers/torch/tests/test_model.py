import json

import pytest
import torch
from conftest import make_run, train
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from olmix_torch import plan as plans
from olmix_torch.model import ProxyModel, initialize
from olmix_torch.tokenizer import END_OF_TEXT


@pytest.mark.parametrize("qk_norm, kind", [(False, "LlamaForCausalLM"), (True, "Qwen3ForCausalLM")])
def test_transformers_reads_the_final_model_and_gives_the_same_logits(tmp_path, qk_norm, kind):
    shape = dict(qk_norm=qk_norm, vocab=257, rope_theta=5000.0, norm_eps=1e-6, init_std=0.2)
    make_run(tmp_path / "run", model=shape, recipe=dict(steps=5))
    done = train(tmp_path / "run")
    assert done.returncode == 0, done.stderr
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model").eval()
    assert type(theirs).__name__ == kind and theirs.dtype == torch.float32
    ours = ProxyModel(plans.load(tmp_path / "run").model)
    ours.load_state_dict(load_file(tmp_path / "run" / "model" / "model.safetensors"))
    tokens = torch.randint(0, 257, (3, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = theirs(tokens).logits, ours.logits(tokens)
    assert expected.std() > 0.1
    assert (expected - found).abs().max() < 1e-5
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["architectures"] == [kind] and config["eos_token_id"] == 256


def test_the_tokenizer_of_bytes_gives_bytes_and_reads_them_back(finished):
    tokenizer = Tokenizer.from_file(str(finished / "model" / "tokenizer.json"))
    opened = AutoTokenizer.from_pretrained(finished / "model")
    # Without tokenizer_config.json it would know no end of a text.
    assert opened.eos_token_id == opened.bos_token_id == plans.load(finished).end_of_text
    assert opened.encode("two  spaces é", add_special_tokens=False) == tokenizer.encode("two  spaces é").ids
    text = "naïve 数 \n\t\x00 tokens!" + END_OF_TEXT
    ids = tokenizer.encode(text).ids
    assert ids == [*text.removesuffix(END_OF_TEXT).encode(), 256]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text.removesuffix(END_OF_TEXT)


def test_weights_start_as_the_recipe_says(tmp_path):
    make_run(tmp_path / "run", model=dict(width=256, hidden=512, heads=4, init_std=0.05))
    shape = plans.load(tmp_path / "run").model
    model, again = ProxyModel(shape), ProxyModel(shape)
    initialize(model, shape, 7)
    initialize(again, shape, 7)
    for (name, weight), same in zip(model.named_parameters(), again.parameters()):
        assert torch.equal(weight, same)
        if "norm" in name:
            assert (weight == 1).all()
            continue
        # A normal distribution that is cut at three deviations has 0.9866 of the deviation left.
        std = 0.05 / 2 if "o_proj" in name or "down_proj" in name else 0.05
        assert weight.std().item() == pytest.approx(0.9866 * std, rel=0.03)
        assert weight.abs().max() <= 3 * std
    initialize(again, shape, 8)
    assert not torch.equal(model.lm_head.weight, again.lm_head.weight)


def test_the_loss_is_cross_entropy_and_the_squared_normalizer(tmp_path):
    make_run(tmp_path / "run")
    model = ProxyModel(plans.load(tmp_path / "run").model)
    tokens = torch.randint(0, 61, (2, 17), generator=torch.Generator().manual_seed(0))
    entropy, normalizer = model(tokens[:, :-1], tokens[:, 1:])
    logits = model.logits(tokens[:, :-1])
    expected = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:])
    assert torch.allclose(entropy, expected, atol=1e-6)
    assert torch.allclose(normalizer, logits.logsumexp(-1).square().mean(), atol=1e-6)


@pytest.mark.parametrize("qk_norm", [False, True])
def test_in_bfloat16_as_on_gpus_the_loss_is_nearly_the_same(tmp_path, qk_norm):
    make_run(tmp_path / "run", model=dict(qk_norm=qk_norm, init_std=0.1))
    shape = plans.load(tmp_path / "run").model
    model = ProxyModel(shape)
    initialize(model, shape, 1)
    tokens = torch.randint(0, 61, (4, 17), generator=torch.Generator().manual_seed(0))
    expected = model(tokens[:, :-1], tokens[:, 1:])
    with torch.autocast("cpu", torch.bfloat16):
        found = model(tokens[:, :-1], tokens[:, 1:])
    assert found[0].dtype == torch.float32
    assert found[0].item() == pytest.approx(expected[0].item(), rel=1e-2) and found[0] != expected[0]
    sum(found).backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())
