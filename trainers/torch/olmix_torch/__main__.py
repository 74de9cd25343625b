"""`python -m olmix_torch train --config launch.yaml --out RUN`."""

import argparse
import sys


def main():
    parser = argparse.ArgumentParser(prog="olmix_torch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("train", help="train the proxy model of a launch config")
    command.add_argument("--config", help="launch config; needed when the run is not prepared yet")
    command.add_argument("--out", required=True, help="folder of the run")
    command.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, help="use torch.compile (default: on GPUs)"
    )
    options = parser.parse_args()
    sys.exit(run(options))


def run(options):
    """Trains; the exit code: 0 done, 2 the user's to correct, 3 diverged, 1 anything else."""
    # Not above: torch takes seconds to load, and `--help` and mistyped options shall not wait for it.
    import torch

    from .failure import AGAIN, Diverged, Failure
    from .log import note
    from .train import train

    try:
        train(options.config, options.out, options.compile)
    except Diverged as diverged:
        return diverged.code
    except Failure as failure:
        note(failure)
        return failure.code
    except RuntimeError as error:
        # What torch.compile meets while it compiles comes wrapped in an error of its own.
        full = getattr(error, "inner_exception", error)
        if not isinstance(full, torch.OutOfMemoryError):
            raise
        note(f"the GPU's memory is too small ({full}): lower training.device_batch_size")
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        note(f"{where}{error.strerror or error}; {AGAIN}")
        return 1
    except KeyboardInterrupt:
        note("stopped; start again, and the run goes on from its newest checkpoint")
        return 130
    return 0


if __name__ == "__main__":
    main()
