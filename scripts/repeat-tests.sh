#!/usr/bin/env bash
# repeat-tests.sh [N]: do the tests that start processes pass every time?
#
# Runs each group of them N times (30), first as the machine is, then beside two processes that never rest, and prints a table.
# Groups are those of crates/olmix/tests/suite, and tests of other crates that start threads or processes. Logs of runs that
# failed are kept in target/repeat. GROUPS_OF_TESTS="clusters:: launches::" repeats some alone; LOADS="busy" one of the two loads.
set -uo pipefail
cd "$(dirname "$0")/.."
times=${1:-30}
logs=target/repeat
mkdir -p "$logs"
if [ -z "${OLMIX_DATA:-}" ] && [ -d ../shared/data ]; then
  OLMIX_DATA="$(cd ../shared/data && pwd)"
  export OLMIX_DATA
fi
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
groups=${GROUPS_OF_TESTS:-"launches:: clusters::slurm clusters::stor clusters::ray killed concurrent swarms::priors swarms::collect_mlflow"}

# The newest program of each name that cargo built.
program() {
  cargo test --workspace --no-run --message-format json 2> /dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | grep "/$1-[0-9a-f]*$" | tail -n 1
}

busy=()
stop_busy() {
  for pid in ${busy[@]+"${busy[@]}"}; do kill "$pid" 2> /dev/null; done
  busy=()
}
trap stop_busy EXIT

failures=0
# repeat LOAD NAME PROGRAM FILTER...
repeat() {
  local load=$1 name=$2 program=$3 passed=0 begin slowest=0 sum=0
  shift 3
  for ((i = 1; i <= times; i++)); do
    begin=$(date +%s%N)
    if (cd "$folder" && "$program" "$@") > "$logs/last.log" 2>&1; then
      passed=$((passed + 1))
    else
      mv "$logs/last.log" "$logs/$load-${name//[^a-z]/-}-$i.log"
      failures=$((failures + 1))
    fi
    local took=$((($(date +%s%N) - begin) / 1000000))
    sum=$((sum + took))
    if ((took > slowest)); then slowest=$took; fi
  done
  printf '| %-24s | %-4s | %5d | %6d | %6d | %8.1f | %8.1f |\n' "$name" "$load" "$times" "$passed" $((times - passed)) \
    "$((sum / times / 100))e-1" "$((slowest / 100))e-1"
}

suite=$(program suite)
ledger=$(program ledger)
printf '| %-24s | load | runs  | passed | failed | mean s   | most s   |\n' tests
printf '| ------------------------ | ---- | ----- | ------ | ------ | -------- | -------- |\n'
for load in ${LOADS:-idle busy}; do
  if [ "$load" = busy ]; then
    for _ in 1 2; do
      sh -c 'while :; do :; done' &
      busy+=($!)
    done
  fi
  folder=crates/olmix
  for group in $groups; do repeat "$load" "$group" "$suite" "$group"; done
  folder=crates/olmix-ledger
  if [ -z "${GROUPS_OF_TESTS:-}" ]; then repeat "$load" "olmix-ledger" "$ledger"; fi
  stop_busy
done
echo "$failures failures; logs of those are in $logs"
[ "$failures" = 0 ]
