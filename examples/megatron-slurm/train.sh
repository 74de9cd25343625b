#!/usr/bin/env bash
# train.sh OUT SEED WEIGHT PREFIX [WEIGHT PREFIX ...]: trains a proxy on a blend with Megatron-LM, converts it, evaluates it.
# MEGATRON is the folder of Megatron-LM, TOKENIZER a model of transformers with the tokenizer and the shape of the proxy.
set -euo pipefail
out=$1 seed=$2
shift 2

torchrun --nproc-per-node "${GPUS:-8}" "$MEGATRON/pretrain_gpt.py" \
  --data-path "$@" --split 1000,0,0 \
  --seed "$seed" \
  --num-layers 12 --hidden-size 768 --num-attention-heads 12 \
  --seq-length 4096 --max-position-embeddings 4096 \
  --micro-batch-size 8 --global-batch-size 256 --train-iters 3000 \
  --lr 4e-4 --min-lr 4e-5 --lr-decay-style cosine --lr-warmup-iters 100 \
  --bf16 --tokenizer-type HuggingFaceTokenizer --tokenizer-model "$TOKENIZER" \
  --save "$out/checkpoints" --load "$out/checkpoints" --save-interval 500

# Megatron Bridge writes the checkpoint as a model of transformers.
python - "$TOKENIZER" "$out" <<'PYTHON'
import sys
from megatron.bridge import AutoBridge
model, out = sys.argv[1:]
AutoBridge.from_hf_pretrained(model).export_ckpt(f"{out}/checkpoints", f"{out}/transformers")
PYTHON

lm_eval --model hf --model_args "pretrained=$out/transformers,tokenizer=$TOKENIZER" \
  --tasks arc_easy,hellaswag,wikitext --output_path "$out/evaluation"
# The newest results, whole or not at all.
newest=$(find "$out/evaluation" -name 'results_*.json' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
cp "$newest" "$out/results.json.part"
mv "$out/results.json.part" "$out/results.json"
