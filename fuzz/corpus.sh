#!/usr/bin/env bash
# Fills fuzz/corpus with small whole files, from the examples of the repository: what mutations begin with.
set -euo pipefail
cd "$(dirname "$0")/.."
# put TARGET NAME [BYTE]: standard input as an entry of a corpus, behind a byte that chooses its kind.
put() {
  mkdir -p "fuzz/corpus/$1"
  { printf '%b' "${3:-}"; cat; } > "fuzz/corpus/$1/$2"
}
for file in examples/*/fit.yaml; do
  put fit_config "$(dirname "$file" | tr / -)" < "$file"
done
put fit_config laws <<'END'
swarm: {ratios: ratios.csv, metrics: metrics.csv}
priors: {relative_sizes: {web: 0.7, code: 0.3}, token_counts: {web: 7e9, code: 3B}}
regression: {type: saturating, ridge: auto, seed: 1, n_test: 2, train_split: 0.9}
proposer: {type: exact, kl_reg: auto, fit_only: false}
eval: {metrics: [a, "b_*"], directions: {"*_acc": max}}
constraints: {enabled: true, target_tokens: 1e10, repetition_factor: 4, bounds: {code: [0.1, 0.4]}}
trust: {folds: 5, bootstrap: 10}
END
for file in examples/*/generate.yaml; do
  put generation_config "$(dirname "$file" | tr / -)" < "$file"
done
for file in examples/*/launch.yaml; do
  put launch_config "$(dirname "$file" | tr / -)" < "$file"
done
put launch_config engine <<'END'
name: run-1
training: {proxy_model_id: demo, tokenizer: bytes, tokens: 40_000, global_batch_size: 1024}
data: {dtype: uint16, sources: [{name: web, paths: ["web/*.bin"]}]}
eval: {tasks: tasks/, validation: {web: "held/*.bin"}}
engine: {slurm: {partition: low, time: 10, memory: 4G, env: {A: "b"}}}
mix: {web: {weight: 1, repetition_factor: 2}}
END
put project_config small <<'END'
name: house
domains: {web: 6000000000, code: {tokens: 900, paths: ["a/*.bin"]}}
target_tokens: 1e12
repetition_factor: 4
groups: {code: code}
END
{ cat examples/demo/ratios.csv; printf '\0'; cat examples/demo/metrics.csv; } | put fit_tables demo
printf 'run,web,code,math\na,0.5,0.3,0.2\nb,0.2,0.4,0.4\nc,1,0,0\nd,0,1,0\ne,0,0,1\n\0run,x\na,1\nb,2\nc,3\nd,2\ne,1.5\n' | put fit_tables small
put mixture_json small <<'END'
{"format":"olmix-mixture","version":1,"weights":{"web":0.7,"code":0.3}}
END
printf '{"web": 0.7, "code": 0.3}' | put domain_weights json '\0'
printf 'web: 0.7\ncode: 0.3\n' | put domain_weights yaml '\x01'
printf 'domain,weight\nweb,0.7\ncode,0.3\n' | put domain_weights csv '\x02'
printf '0.7 web 0.3 code\n' | put domain_weights txt '\x03'
printf '\x93NUMPY\x01\x00\x76\x00{"descr": "<u2", "fortran_order": False, "shape": (8,), }%67s\n0123456789abcdef' '' | put shards npy '\0'
printf 'MMIDIDX\0\0\x01\0\0\0\0\0\0\0\x08\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x05\0\0\0\x0b\0\0\0' | put shards idx '\x02'
printf '{"text": "to be"}\n{"text": "or not"}\n' > fuzz/corpus/lines
put shards jsonl '\x05' < fuzz/corpus/lines
gzip -c fuzz/corpus/lines | put shards gz '\x06'
put documents jsonl '\0' < fuzz/corpus/lines
gzip -c fuzz/corpus/lines | put documents gz '\x01'
if command -v zstd > /dev/null; then
  zstd -c fuzz/corpus/lines | put documents zst '\x02'
  zstd -c fuzz/corpus/lines | put shards zst '\x07'
fi
rm fuzz/corpus/lines
put tokenizer bpe <<'END'
{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":4,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"vocab":{"t":0,"o":1,"to":2,"b":3},"merges":[["t","o"]]}}
END
printf '{"loss": 2.5, "eval/a": 1.0, "step": 10}\n' | put collected metrics '\x02'
printf '{"results": {"arc": {"acc,none": 0.5, "bits_per_byte,none": 0.9, "alias": "arc"}}, "higher_is_better": {"arc": {"acc": true}}, "git_hash": null}' | put collected harness '\x03'
printf 'run,web,code,loss\nrun-a,0.5,0.5,2\nrun-b,0.2,0.8,3\n' | put collected csv '\x07'
printf '{"run": "a", "mix": {"web": 1}, "loss": 2}\n' | put collected jsonl '\x08'
printf '\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09\0\0\0\0\0\0\xf0\x3f\x1a\x0dbrain.Event:2\0\0\0\0' | put collected events '\0'
printf ':W&B\xe2\xc6\0\0\0\0\0\x04\0\x01abcd' | put collected wandb '\x01'
printf '\0\x01\x02\x03\x04\x05' | put ledger one
printf '{"id":1,"kind":"domains","number":1,"line":"main","title":"t","parents":[],"files":[],"content":{},"command":"olmix init","olmix":"0.1.0","created":0,"cost":{"runs":0,"tokens":0,"flops":0.0},"gain":null,"hash":"00"}\0{"best":"domains@1"}' | put history record
printf '{"format":"olmix-run","version":1,"model":{"width":16,"heads":2,"hidden":32,"layers":1}}' | put run_folder plan '\0'
printf '\0\0\0\0\x05\0\0\0\0\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0' | put run_folder sequences '\x01'
printf '{"context": "2+2=", "gold": "4"}\n' | put run_folder tasks '\x02'
