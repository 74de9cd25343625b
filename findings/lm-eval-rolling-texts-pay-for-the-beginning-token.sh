#!/usr/bin/env bash
# lm-eval 0.4.13 (August 2026): bits per byte of whole texts include the prediction of a second beginning token.
#
# Guess: `loglikelihood_rolling` puts one beginning-of-text token before the text and scores the text's own
#   tokens, whatever the tokenizer, as the harness's documentation of rolling tasks describes it.
# Seen: so it is with a tokenizer that adds no special tokens by itself. With one whose post-processor begins
#   with <s>, as Llama's does, the tokens after that first <s> are `<s> h e l l o`: a model is scored on
#   producing <s> right after <s>, which no training text has. That is what happens by default
#   (add_bos_token unset) and with add_bos_token=True; with add_bos_token=False the text alone is scored.
# Why it matters: word and byte perplexities of two models are not comparable if only one tokenizer has that
#   post-processor, and short texts pay most. A proxy trained without doubled <s> pays several nats a text.
# Where: lm_eval/models/huggingface.py, HFLM.tok_encode passes add_special_tokens through when add_bos_token
#   is unset or true, and loglikelihood_rolling (lm_eval/utils.py, get_rolling_token_windows) puts
#   prefix_token_id before what it gets.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  lm_eval==0.4.13 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
export HF_HOME="$work/hf" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
cd "$work"
cat > check.py <<'EOF'
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

TEXT = "hello"
VOCAB = ["<s>", "</s>"] + sorted(pre_tokenizers.ByteLevel.alphabet())
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=len(VOCAB), n_positions=64, n_embd=32, n_layer=1, n_head=2))


def tokenizer(begins_by_itself):
    raw = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(VOCAB)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    if begins_by_itself:
        raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")


def scored(tokens, add_bos_token):
    lm = HFLM(pretrained=model, tokenizer=tokens, add_bos_token=add_bos_token, device="cpu",
              batch_size=1, max_length=64)
    seen, inner = [], lm._loglikelihood_tokens

    def spy(requests, **kwargs):
        seen.extend((list(context), list(rest)) for _, context, rest in requests)
        return inner(requests=requests, **kwargs)

    lm._loglikelihood_tokens = spy
    request = Instance(request_type="loglikelihood_rolling", doc={}, arguments=(TEXT,), idx=0)
    [total] = lm.loglikelihood_rolling([request], disable_tqdm=True)
    [(context, rest)] = seen
    return [VOCAB[i] for i in context], [VOCAB[i] for i in rest], total


for begins_by_itself in (False, True):
    for add_bos_token in (None, False, True):
        context, rest, total = scored(tokenizer(begins_by_itself), add_bos_token)
        print(f"tokenizer begins with <s>: {begins_by_itself!s:5}  add_bos_token={add_bos_token!s:5}  "
              f"given {context}  scored {rest}  sum {total:.3f}")
        doubled = begins_by_itself and add_bos_token is not False
        assert context == ["<s>"] and rest == ["<s>"] * doubled + list(TEXT), "another rule now"
print("as recorded: with such a tokenizer the beginning token is scored, by default")
EOF
"$work/venv/bin/python" check.py 2> /dev/null
