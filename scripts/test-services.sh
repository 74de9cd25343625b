#!/usr/bin/env bash
# Installs what tests start: Slurm with its authentication and its accounts, and the browser that opens the pages, from Debian's or
# Ubuntu's packages. Needs root, once. Without it those tests are skipped, and say so. (Ray and all else come from Python's index, Azurite
# and what drives the browser from npm, by the tests themselves.)
set -euo pipefail
there() {
  for program in slurmctld slurmd munged slurmdbd mariadbd mariadb-install-db chromium; do
    command -v "$program" > /dev/null || return 1
  done
}
if there; then
  exit 0
fi
if ! command -v apt-get > /dev/null; then
  echo "scripts/test-services.sh: there is no apt-get here; install slurm (slurmctld, slurmd, slurmdbd), munge, mariadb and chromium by hand" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm munge slurmdbd mariadb-server-core mariadb-client-core chromium > /dev/null
