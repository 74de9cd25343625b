"""Long work: threads, signals, progress and forked processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

import olmix


def _slow(runs: int = 400, domains: int = 15) -> olmix.Swarm:
    generator = np.random.default_rng(0)
    x = generator.dirichlet(np.ones(domains), runs)
    losses = 1 + np.exp(-x @ generator.random((domains, 20))) + 0.01 * generator.random((runs, 20))
    names = [f"run-{i}" for i in range(len(x))]
    ratios: dict[str, Any] = {"run": names, **{f"d{j}": x[:, j] for j in range(domains)}}
    metrics: dict[str, Any] = {"run": names, **{f"t{i}": losses[:, i] for i in range(20)}}
    return olmix.Swarm(ratios, metrics, prior={f"d{j}": 1.0 for j in range(domains)})


def test_ctrl_c_ends_a_fit_at_once_and_the_next_one_works() -> None:
    swarm = _slow(1500, 40)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    # A shell has commands behind `&` ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(1.0, interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            olmix.fit(swarm, law="saturating", ridge="auto", folds=20)
    finally:
        signal.signal(signal.SIGINT, before)
    # Undisturbed, this fit takes minutes.
    assert time.monotonic() - sent[0] < 5
    assert olmix.fit(olmix.examples.swarm()).tasks


def test_other_threads_run_while_a_fit_does() -> None:
    swarm, ticks = _slow(), []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    begun = time.monotonic()
    olmix.fit(swarm, law="log_linear", folds=2)
    ended = time.monotonic()
    stop.set()
    thread.join()
    within = [at for at in ticks if begun < at < ended]
    assert len(within) >= (ended - begun) / 0.01 / 10


def test_progress_is_told_to_a_function_whose_exception_ends_the_fit() -> None:
    seen: list[tuple[str, int, int]] = []
    olmix.fit(_slow(), law="log_linear", folds=2, progress=lambda *at: seen.append(at))
    assert seen and all(done <= steps for _, done, steps in seen)

    def refuse(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        olmix.fit(_slow(), law="log_linear", folds=5, progress=refuse)


def test_the_progress_of_commands_is_told_to_a_function_whose_exception_ends_them() -> None:
    seen: list[tuple[str, int, int]] = []
    tokens = {f"domain {i}": 1e9 + i for i in range(24)}
    olmix.generate(tokens=tokens, runs=120, design="d_optimal", progress=lambda *at: seen.append(at))
    assert any(stage == "drawing mixtures" and 0 < done <= steps for stage, done, steps in seen), seen[:5]

    def refuse(*_: object) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        olmix.generate(tokens=tokens, runs=120, design="d_optimal", progress=refuse)


def _in_a_child(queue: Any) -> None:
    queue.put(olmix.fit(olmix.examples.swarm()).propose().weights)


def test_a_forked_process_fits_too() -> None:
    fit = olmix.fit(olmix.examples.swarm())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        process = context.Process(target=_in_a_child, args=(queue,))
        process.start()
    weights = queue.get(timeout=60)
    process.join(60)
    assert weights == fit.propose().weights and process.exitcode == 0
