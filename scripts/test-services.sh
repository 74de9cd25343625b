#!/usr/bin/env bash
# Installs what tests of clusters start: Slurm with its authentication, from Debian's or Ubuntu's packages. Needs root, once.
# Without it those tests are skipped, and say so. (Ray and all else come from Python's index, by the tests themselves.)
set -euo pipefail
if command -v slurmctld > /dev/null && command -v slurmd > /dev/null && command -v munged > /dev/null; then
  exit 0
fi
if ! command -v apt-get > /dev/null; then
  echo "scripts/test-services.sh: there is no apt-get here; install slurm (slurmctld, slurmd) and munge by hand" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
