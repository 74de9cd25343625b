#!/usr/bin/env bash
# fuzz/run.sh MINUTES [TARGET...]: runs every fuzz target, or those named, for so many minutes, as many at a time as
# there are cores (JOBS=N for another number). Needs cargo-fuzz (`cargo install cargo-fuzz`) and a nightly compiler.
# Prints a row for each target: inputs, the most memory, and inputs that failed, which are in fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:?"fuzz/run.sh MINUTES [TARGET...]"}
shift
if [ $# -gt 0 ]; then
  targets=("$@")
else
  mapfile -t targets < <(cargo +nightly fuzz list)
fi
fuzz/corpus.sh
# Safe Rust needs no address sanitizer, and is ten times as fast without it.
cargo +nightly fuzz build --sanitizer none
mkdir -p fuzz/logs fuzz/artifacts
one() {
  local target=$1 log=fuzz/logs/$1.log
  local dictionary=()
  [ -f "fuzz/dictionaries/$target.txt" ] && dictionary=("-dict=fuzz/dictionaries/$target.txt")
  mkdir -p "fuzz/artifacts/$target" "fuzz/corpus/$target"
  # 512 MB of memory, ten seconds for an input: more is a failure.
  cargo +nightly fuzz run --sanitizer none "$target" -- -max_total_time=$((minutes * 60)) -rss_limit_mb=512 \
    -malloc_limit_mb=512 -timeout=10 -max_len=65536 -print_final_stats=1 -verbosity=1 "${dictionary[@]}" \
    > "$log" 2>&1 || true
  local inputs peak failed
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  failed=$(find "fuzz/artifacts/$target" -type f | wc -l)
  echo "| $target | ${inputs:-?} | ${peak:-?} | $failed |"
}
export -f one
export minutes
echo "| target | inputs | most memory, MB | failed |"
echo "| --- | ---: | ---: | ---: |"
printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'one {}'
rm -rf /dev/shm/olmix-fuzz-*
