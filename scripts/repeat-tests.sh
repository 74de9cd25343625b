#!/usr/bin/env bash
# repeat-tests.sh [N]: do the tests that start processes pass every time?
#
# Runs each group of them N times (30), first as the machine is, then beside two processes that never rest,
# and prints a table. Groups are modules of crates/olmix/tests/suite, and the tests of crates that start
# processes. Logs of runs that failed are kept in target/repeat. For less than all:
#   GROUPS_OF_TESTS="launches:: clusters::ray"   some groups of crates/olmix alone
#   LOADS=busy                                   one of the two loads
#   COPIES=3                                     three runs at the same time, which is a load of its own
set -uo pipefail
cd "$(dirname "$0")/.."
times=${1:-30}
copies=${COPIES:-1}
logs=$PWD/target/repeat
mkdir -p "$logs"
if [ -z "${OLMIX_DATA:-}" ] && [ -d ../shared/data ]; then
  OLMIX_DATA="$(cd ../shared/data && pwd)"
  export OLMIX_DATA
fi
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
groups=${GROUPS_OF_TESTS:-"launches:: clusters::slurm clusters::stor clusters::conf clusters::ray projects::killed
  concurrent_updates swarms::proxy_recovery tokenize_killed swarms::priors swarms::collect_mlflow"}

# The program of tests of a crate: its folder `tests/suite`, a file of `tests`, or the tests in its sources.
built=$(cargo test --workspace --no-run --message-format json) || exit 1
program() {
  grep '"package_id":"[^"]*/crates/'"$1"'#' <<< "$built" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' |
    grep "/deps/$2-[0-9a-f]*$" | tail -n 1
}

busy=()
stop_busy() {
  for pid in ${busy[@]+"${busy[@]}"}; do kill "$pid" 2> /dev/null; done
  busy=()
}
trap stop_busy EXIT

failures=0
# repeat LOAD CRATE NAME PROGRAM [FILTER]
repeat() {
  local load=$1 crate=$2 name=$3 program=$4 filter=${5:-} passed=0 begun=0 sum=0 slowest=0 i pids log took
  while ((begun < times)); do
    pids=()
    for ((i = 0; i < copies && begun < times; i++)); do
      begun=$((begun + 1))
      log="$logs/$load-${name//[^a-z_]/-}-$begun"
      (
        cd "crates/$crate" || exit 1
        begin=$(date +%s%N)
        "$program" $filter > "$log.log" 2>&1
        code=$?
        echo $((($(date +%s%N) - begin) / 1000000)) > "$log.ms"
        exit $code
      ) &
      pids+=($!)
    done
    for ((i = 0; i < ${#pids[@]}; i++)); do
      log="$logs/$load-${name//[^a-z_]/-}-$((begun - ${#pids[@]} + i + 1))"
      if wait "${pids[i]}"; then
        passed=$((passed + 1))
        rm "$log.log"
      else
        failures=$((failures + 1))
      fi
      took=$(< "$log.ms")
      rm "$log.ms"
      sum=$((sum + took))
      if ((took > slowest)); then slowest=$took; fi
    done
  done
  printf '| %-26s | %-4s | %4d | %6d | %6d | %8.1f | %8.1f |\n' "$name" "$load" "$times" "$passed" \
    $((times - passed)) "$((sum / times))e-3" "${slowest}e-3"
}

printf '| %-26s | load | runs | passed | failed | mean, s  | most, s  |\n' tests
printf '| -------------------------- | ---- | ---- | ------ | ------ | -------- | -------- |\n'
for load in ${LOADS:-idle busy}; do
  if [ "$load" = busy ]; then
    for _ in 1 2; do
      sh -c 'while :; do :; done' &
      busy+=($!)
    done
  fi
  for group in $groups; do repeat "$load" olmix "$group" "$(program olmix suite)" "$group"; done
  if [ -z "${GROUPS_OF_TESTS:-}" ]; then
    for crate in olmix-ledger olmix-fs olmix-launch; do
      for tests in suite killed "${crate//-/_}"; do
        found=$(program "$crate" "$tests")
        if [ -n "$found" ]; then repeat "$load" "$crate" "$crate $tests" "$found"; fi
      done
    done
  fi
  stop_busy
done
echo "$failures failures; their logs are in $logs"
[ "$failures" = 0 ]
