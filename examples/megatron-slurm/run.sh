#!/usr/bin/env bash
# The whole road, from Megatron's files to the blend of the final run. Each command can be given again: what is done is kept.
set -euo pipefail
cd "$(dirname "$0")"
olmix generate --config generate.yaml --base launch.yaml --output swarm   # 12 mixtures, a launch config each
olmix launch preview --variants swarm/launch                              # the job and every command; submits nothing
olmix launch run --variants swarm/launch                                  # a job array; follows it to its end
olmix collect --swarm swarm/runs --output swarm                           # ratios.csv and metrics.csv
olmix fit --config swarm/fit.yaml --output-dir out --target-tokens 400_000 --repetition 4
olmix export --mixture out/mixture.json --format megatron --data generate.yaml --output blend.txt
