"""The proxy model: a Llama-shaped decoder whose parameters carry Hugging Face's names.

With `qk_norm` it is Qwen3's attention. Checkpoints are read by `transformers` and by `olmix proxy eval`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    """Root-mean-square norm in float32, whatever the precision around it."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x.to(self.weight.dtype), self.weight.shape, self.weight, self.eps)


def rotation(shape, dtype=torch.float32):
    """Cosines and sines of the positions, context × head width, as Hugging Face lays them out: halves, not pairs."""
    width = shape.width // shape.heads
    frequencies = 1.0 / shape.rope_theta ** (torch.arange(0, width, 2, dtype=dtype) / width)
    angles = torch.outer(torch.arange(shape.context, dtype=dtype), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns the two halves of every head, batch × T × heads × head width, by the angle of its position."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.head_width = shape.width // shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)
        if shape.qk_norm:
            self.q_norm = RMSNorm(self.head_width, shape.norm_eps)
            self.k_norm = RMSNorm(self.head_width, shape.norm_eps)
        else:
            self.q_norm = self.k_norm = nn.Identity()

    def forward(self, x, cos, sin):
        def heads(y):
            return y.view(*x.shape[:2], -1, self.head_width)

        q = rotate(self.q_norm(heads(self.q_proj(x))), cos, sin)
        k = rotate(self.k_norm(heads(self.k_proj(x))), cos, sin)
        v = heads(self.v_proj(x))
        # Under autocast the rotation is float32 again; fused attention wants one precision.
        q, k, v = (y.to(v.dtype).transpose(1, 2) for y in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(x.shape))


class MLP(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down_proj = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.input_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.norm_eps)
        cos, sin = rotation(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, inputs):
        # T × 1 × head width: the same for all heads.
        cos, sin = self.cos[: inputs.shape[1], None], self.sin[: inputs.shape[1], None]
        x = self.embed_tokens(inputs)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class ProxyModel(nn.Module):
    """Called with tokens and targets, it returns the two parts of the loss; `logits` is the model alone."""

    def __init__(self, shape):
        super().__init__()
        self.model = Decoder(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocab, bias=False)

    def logits(self, inputs):
        """Logits, batch × T × vocabulary."""
        return self.lm_head(self.model(inputs))

    def forward(self, inputs, targets):
        """Mean cross entropy in nats per token, and mean squared logsumexp; in float32 at least."""
        logits = self.logits(inputs).flatten(0, 1)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        targets = targets.reshape(-1, 1)
        # One softmax gives both: its normalizer is what lies between a logit and its log probability.
        likelihood = logits.log_softmax(-1).gather(-1, targets)
        normalizer = logits.gather(-1, targets) - likelihood
        return -likelihood.mean(), normalizer.square().mean()


def initialize(model, shape, seed):
    """Normal weights cut at three deviations, drawn on the CPU so that no device changes them; norms stay 1."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                continue
            std = shape.init_std
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                std /= math.sqrt(2 * shape.layers)
            nn.init.trunc_normal_(parameter, 0.0, std, -3 * std, 3 * std, generator=generator)


def config(plan):
    """config.json of the final model, which `transformers` reads."""
    shape = plan.model
    kind = ("Qwen3ForCausalLM", "qwen3") if shape.qk_norm else ("LlamaForCausalLM", "llama")
    return {
        "architectures": [kind[0]],
        "model_type": kind[1],
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.width // shape.heads,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        # Since version 5, `transformers` has both in one.
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "tie_word_embeddings": False,
        "initializer_range": shape.init_std,
        "bos_token_id": plan.end_of_text,
        "eos_token_id": plan.end_of_text,
        "torch_dtype": "float32",
        "use_cache": True,
    }
