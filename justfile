# What CI runs.
check:
    bash .ci/run

# The main job on the demo swarm.
demo:
    cargo run --release -- fit --config examples/demo/fit.yaml --output-dir out

# Times fit and solve on the measured swarms (OLMIX_DATA or ../shared/data).
bench:
    cargo bench -p olmix --bench fit

# Times the exact solve over limits, λ and ridges, against the cone program.
bench-exact:
    cargo bench -p olmix --bench exact

# How cost grows with domains, runs and tasks; `just bench-scale --largest` adds 1,000 × 5,000 × 100 (some 7 minutes).
bench-scale *flags:
    cargo bench -p olmix --bench scale -- {{flags}}

# Drawing swarms, optimal designs, and counting 100,000 shards.
bench-swarm:
    cargo bench -p olmix --bench swarm

# Processor time and memory of commands beside those of another revision.
speed revision *flags:
    python3 scripts/speed.py --against {{revision}} {{flags}}

# Tests, notebooks and types of the Python package, with a wheel of this checkout.
python:
    OLMIX_BUILD_PROFILE=dev scripts/build-wheel.sh target/tmp/wheels
    scripts/test-package.sh target/tmp/wheels

# Makes HTML of docs/python and of the package's docstrings.
python-docs:
    OLMIX_BUILD_PROFILE=dev scripts/build-wheel.sh target/tmp/wheels
    scripts/python-docs.sh target/tmp/wheels
