"""From arguments to a fit config: the document that the command line reads, so that both do the same."""

# Values of any type are looked at here, and are of an unknown type until they have been.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InputError, OlmixError

__all__ = ["Changes", "arguments", "as_edits", "as_text", "fit_settings", "in_arguments", "proposal_settings"]

#: Settings of a config, and the arguments that give them.
ARGUMENTS = {
    "regression.type": "law",
    "regression.granularity": "granularity",
    "regression.ridge": "ridge",
    "regression.huber_delta": "huber_delta",
    "regression.dead_domains": "dead_domains",
    "regression.n_test": "n_test",
    "regression.seed": "seed",
    "diagnostics.folds": "folds",
    "diagnostics.bootstrap": "bootstrap",
    "diagnostics.confidence": "confidence",
    "constraints.target_tokens": "target_tokens",
    "scale": "scale",
    "target": "target",
    "constraints.repetition_factor": "repetition",
    "constraints.bounds": "bounds",
    "constraints.groups": "groups",
    "objective": "objective",
    "proposer.kl_reg": "kl",
    "proposer.type": "optimizer",
    "filtering.directions": "directions",
    "filtering.drop_metrics": "drop",
    "filtering.obj_weights": "weights",
    "eval.tasks": "tasks",
    "priors.relative_sizes": "prior",
    "priors.token_counts": "tokens",
}

#: Settings by their place in the config.
Changes = dict[tuple[str, ...], Any]


def fit_settings(
    *,
    law: str | None,
    directions: Mapping[str, str] | None,
    tasks: Mapping[str, Sequence[str]] | Sequence[str] | None,
    drop: Sequence[str],
    weights: Mapping[str, float] | None,
    granularity: str | None,
    ridge: float | str | None,
    huber_delta: float | None,
    dead_domains: str | None,
    n_test: int | None,
    folds: int | None,
    seed: int | None,
    target_tokens: float | str | None,
    scale: Mapping[str, float | str] | None,
    target: Mapping[str, str | os.PathLike[str]] | None,
) -> Changes:
    """The settings of laws that were given."""
    changes: Changes = {
        ("regression", "type"): law,
        ("regression", "granularity"): granularity,
        ("regression", "ridge"): ridge,
        ("regression", "huber_delta"): huber_delta,
        ("regression", "dead_domains"): dead_domains,
        ("regression", "n_test"): n_test,
        ("regression", "seed"): seed,
        ("diagnostics", "folds"): folds,
        ("constraints", "target_tokens"): target_tokens,
        ("scale",): dict(scale) if scale else None,
        ("target",): {key: os.fspath(path) for key, path in target.items()} if target else None,
        ("filtering", "directions"): dict(directions) if directions else None,
        ("filtering", "drop_metrics"): _names(drop, "drop") or None,
        ("filtering", "obj_weights"): dict(weights) if weights else None,
    }
    if tasks is not None:
        families = tasks if isinstance(tasks, Mapping) else {name: [name] for name in _names(tasks, "tasks")}
        changes[("eval", "tasks")] = {family: _names(names, f"tasks[{family!r}]") for family, names in families.items()}
    return {place: value for place, value in changes.items() if value is not None}


def proposal_settings(
    *,
    target_tokens: float | str | None,
    repetition: float | None,
    kl: float | str | None,
    bounds: Mapping[str, Any] | None,
    groups: Mapping[str, Any] | None,
    objective: Mapping[str, Any] | None,
    optimizer: str | None,
    bootstrap: int | None,
    confidence: float | None,
) -> Changes:
    """The settings of a mixture that were given."""
    changes: Changes = {
        ("constraints", "target_tokens"): target_tokens,
        ("constraints", "repetition_factor"): repetition,
        ("proposer", "kl_reg"): kl,
        ("proposer", "type"): optimizer,
        ("objective",): dict(objective) if objective else None,
        ("diagnostics", "bootstrap"): bootstrap,
        ("diagnostics", "confidence"): confidence,
    }
    if target_tokens is not None or repetition is not None:
        changes[("constraints", "enabled")] = True
    for domain, bound in (bounds or {}).items():
        changes[("constraints", "bounds", str(domain))] = _bound(bound, f"bounds[{domain!r}]")
    for group, asked in (groups or {}).items():
        changes[("constraints", "groups", str(group))] = _group(asked, f"groups[{group!r}]")
    return {place: value for place, value in changes.items() if value is not None}


#: What messages about tables say of settings, and what gives them here.
SAID = {
    r'(": )(max|min)(?=[,}])': r'\1"\2"',
    r"add `directions: (\{.*?\})` to `filtering`": r"give directions=\1",
    r"add `drop_metrics: (\[.*?\])` to `filtering`": r"give drop=\1",
    r"\bdrop_metrics\b": "drop",
    r"add the domain to `priors`": "give its size in tokens or prior",
    r"has no prior in arguments": "has no size",
}


class arguments:
    """Words errors by arguments where they speak of the config that was made of arguments."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # Tables in memory have these names.
        if not isinstance(error, OlmixError) or error.file not in (None, "ratios", "metrics"):
            return
        for setting, argument in ARGUMENTS.items():
            place = error.place or ""
            if place == setting or place.startswith(f"{setting}."):
                error.place = argument + place[len(setting) :]
            mentioned = rf"`{re.escape(setting)}(\.[^`]*)?`|\b{re.escape(setting)}\b"
            if error.place is None and re.search(mentioned, error.message):
                error.place = argument
            _reword(error, rf"(?<![\w.]){re.escape(setting)}(?![\w])", argument)
        for said, given in SAID.items():
            _reword(error, said, given)


def _reword(error: OlmixError, pattern: str, words: str) -> None:
    for field in ("message", "help"):
        text = getattr(error, field)
        if text:
            setattr(error, field, re.sub(pattern, words, text))


def in_arguments(sentence: str) -> str:
    """A sentence of the command line, with arguments in place of settings and options."""
    sentence = re.sub(r", or pass --[a-z-]+ [^\s.]+", "", sentence)
    for setting, argument in ARGUMENTS.items():
        sentence = re.sub(rf"`{re.escape(setting)}: ([^`]+)`", rf'`{argument}="\1"`', sentence)
    return sentence


def _names(names: Any, place: str) -> list[str]:
    if isinstance(names, (str, bytes)) or not isinstance(names, Sequence):
        raise InputError(f"{names!r} is no list of names", place=place, help=f"give a list, such as {[str(names)]!r}")
    return [str(name) for name in names]


def _bound(bound: Any, place: str) -> dict[str, Any]:
    """`(least, most)`, where `None` leaves an end free, or one number for both."""
    if isinstance(bound, Mapping):
        ends = {str(key): value for key, value in bound.items() if value is not None}
    elif isinstance(bound, Sequence) and not isinstance(bound, str) and len(bound) == 2:
        ends = {key: value for key, value in zip(("min", "max"), bound, strict=True) if value is not None}
    elif isinstance(bound, (int, float)) and not isinstance(bound, bool):
        ends = {"min": bound, "max": bound}
    else:
        raise InputError(f"{bound!r} is no bound", place=place, help="give (least, most), with None for no limit")
    if not ends:
        raise InputError("both ends are None", place=place, help="leave the bound out, or give an end a number")
    return ends


def _group(asked: Any, place: str) -> dict[str, Any]:
    if isinstance(asked, Mapping):
        return dict(asked)
    if isinstance(asked, Sequence) and not isinstance(asked, str) and len(asked) == 3:
        domains, least, most = asked
        return {"domains": _names(domains, place), **_bound((least, most), place)}
    raise InputError(
        f"{asked!r} is no group", place=place, help="give ([domain or pattern, …], least, most), with None for no limit"
    )


def _plain(value: Any, place: str) -> Any:
    """A value as JSON has it; numbers of NumPy are numbers."""
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(value, (str, bytes, Mapping)) and getattr(value, "ndim", 0) == 0:
        value = item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{value} is no finite number", place=place, help="give a finite number, or leave it out")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, f"{place}[{str(key)!r}]") for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(inner, place) for inner in value]
    raise InputError(f"{type(value).__name__} is no setting", place=place, help="give a number, a text or a mapping")


def as_text(config: Mapping[str, Any], changes: Changes) -> str:
    """A config with changes, as text."""
    whole: dict[str, Any] = _plain(config, "config")
    for place, value in changes.items():
        into = whole
        for key in place[:-1]:
            inner = into.get(key)
            into[key] = dict(inner) if isinstance(inner, Mapping) else {}
            into = into[key]
        into[place[-1]] = _plain(value, ARGUMENTS.get(".".join(place), ".".join(place)))
    return json.dumps(whole, ensure_ascii=False, indent=1)


def as_edits(changes: Changes) -> list[tuple[list[str], str]]:
    """The changes as edits of a config file."""
    return [(list(place), json.dumps(_plain(value, ARGUMENTS.get(".".join(place), ".".join(place))), ensure_ascii=False)) for place, value in changes.items()]
