"""A law as an estimator of scikit-learn: `fit`, `predict`, `score`, `get_params`. scikit-learn is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._mixtures import losses_of
from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from . import _olmix

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Law"]


class Law:
    """A law from mixture to loss, with the interface of a scikit-learn regressor.

    Parameters
    ----------
    kind : str
        ``log_linear`` (``c + exp(Σ t_j p_j)``), ``saturating``, ``effective_data``, ``bimix``, ``autoscale``,
        ``gp`` or ``lightgbm``.
    huber_delta : number, optional
        δ > 0 of the Huber loss, in the unit of the losses; the law's default where not given.
    ridge : number, optional
        Penalty ρ ≥ 0 on the coefficients; the law's default where not given.
    target_tokens : number, optional
        Tokens of the run, for ``autoscale``.
    seed : int
        Seed of a law that draws.

    Attributes
    ----------
    n_features_in_ : int
        Number of domains; after `fit`.

    Notes
    -----
    `olmix.fit` fits the same laws, and checks, chooses and proposes besides. Nothing is cross-validated here:
    `sklearn.model_selection` does it. Copies and pickles hold the training data and fit again: same input, same bits.

    Examples
    --------
    >>> import numpy as np, olmix
    >>> x = np.random.default_rng(0).dirichlet([1, 1, 1], 24)
    >>> y = 0.7 + np.exp(0.3 * x[:, 0] - 0.8 * x[:, 1] - 1.5 * x[:, 2])
    >>> law = olmix.Law("log_linear").fit(x, y)
    >>> bool(np.abs(law.predict(x) - y).max() < 1e-3)
    True
    """

    _estimator_type = "regressor"
    _names = ("kind", "huber_delta", "ridge", "target_tokens", "seed")

    def __init__(
        self,
        kind: str = "log_linear",
        *,
        huber_delta: float | None = None,
        ridge: float | None = None,
        target_tokens: float | None = None,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.huber_delta = huber_delta
        self.ridge = ridge
        self.target_tokens = target_tokens
        self.seed = seed

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name.

        Parameters
        ----------
        deep : bool
            Has no effect: settings hold no estimators.

        Returns
        -------
        dict
            What the law was made with.

        Examples
        --------
        >>> import olmix
        >>> olmix.Law("saturating", ridge=1e-4).get_params()["ridge"]
        0.0001
        """
        return {name: getattr(self, name) for name in self._names}

    def set_params(self, **params: Any) -> Law:
        """Change settings; they count from the next `fit` on.

        Parameters
        ----------
        **params
            Settings by name.

        Returns
        -------
        Law
            The law itself.

        Raises
        ------
        olmix.errors.InputError
            For a setting that there is not.

        Examples
        --------
        >>> import olmix
        >>> olmix.Law().set_params(kind="saturating").kind
        'saturating'
        """
        for name, value in params.items():
            if name not in self._names:
                raise InputError(f"there is no setting {name!r}", file="Law", help=f"one of {', '.join(self._names)}")
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Any) -> Law:
        """Fit the law, or one law per column of `y`.

        Parameters
        ----------
        X : array or table, runs × domains
            Mixtures: shares that sum to 1 within 0.01.
        y : array, runs or runs × tasks
            Losses, at least 0.

        Returns
        -------
        Law
            The law itself.

        Raises
        ------
        olmix.errors.InputError
            For other shapes, numbers that are not finite, what is no mixture, and settings the law does not take.
        olmix.errors.TooFewRunsError
            Where the law needs more runs.

        Examples
        --------
        >>> import numpy as np, olmix
        >>> x = np.random.default_rng(0).dirichlet([1, 1], 12)
        >>> olmix.Law().fit(x, 1 + x[:, 0]).n_features_in_
        2
        """
        import numpy as np

        from . import _olmix

        x = _array(X, "X", 2)
        losses = _array(y, "y", None)
        single = losses.ndim == 1
        losses = losses[:, None] if single else losses
        if losses.shape[0] != x.shape[0]:
            raise InputError(
                f"{losses.shape[0]} rows, and X has {x.shape[0]}", file="Law.fit", place="y", help="give one loss per run"
            )
        _check_shares(x, np)
        self._laws: _olmix.Laws = _olmix.Laws.fit(
            self.kind,
            x,
            np.ascontiguousarray(losses),
            None,
            _number(self.huber_delta, "huber_delta"),
            _number(self.ridge, "ridge"),
            _number(self.target_tokens, "target_tokens"),
            int(self.seed),
            None,
        )
        self._data: tuple[Array, Array, bool] = (np.array(x), np.array(losses), single)
        self.n_features_in_ = x.shape[1]
        columns = getattr(X, "columns", None)
        if columns is not None:
            self.feature_names_in_ = np.array([str(name) for name in columns], dtype=object)
        return self

    def predict(self, X: Any) -> Array:
        """Predict the losses of mixtures.

        Parameters
        ----------
        X : array or table, mixtures × domains
            In the order in which the law was fitted.

        Returns
        -------
        numpy.ndarray
            One loss per mixture, or mixtures × tasks where `y` had columns.

        Examples
        --------
        >>> import numpy as np, olmix
        >>> x = np.random.default_rng(0).dirichlet([1, 1], 12)
        >>> olmix.Law().fit(x, 1 + x[:, 0]).predict(x[:3]).shape
        (3,)
        """
        laws: _olmix.Laws | None = getattr(self, "_laws", None)
        if laws is None:
            raise InputError("the law is not fitted", file="Law.predict", help="call fit first")
        predicted = losses_of(laws, _array(X, "X", 2), check=False)
        return predicted[:, 0] if self._data[2] else predicted

    def score(self, X: Any, y: Any) -> float:
        """Return the coefficient of determination R², the mean over tasks: 1 at best.

        Parameters
        ----------
        X : array or table, mixtures × domains
            Mixtures, in the order in which the law was fitted.
        y : array, mixtures or mixtures × tasks
            Measured losses.

        Returns
        -------
        float
            ``1 − Σ (y − predicted)² / Σ (y − mean)²``; below 0 where the mean predicts better.

        Examples
        --------
        >>> import numpy as np, olmix
        >>> x = np.random.default_rng(0).dirichlet([1, 1], 12)
        >>> olmix.Law().fit(x, 1 + x[:, 0]).score(x, 1 + x[:, 0]) > 0.99
        True
        """
        measured = _array(y, "y", None)
        missed = ((measured - self.predict(X)) ** 2).sum(axis=0)
        spread = ((measured - measured.mean(axis=0)) ** 2).sum(axis=0)
        return float((1 - missed / spread).mean())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_laws"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_data" in state:
            names = state.get("feature_names_in_")
            x, losses, single = state["_data"]
            self.fit(x, losses[:, 0] if single else losses)
            if names is not None:
                self.feature_names_in_ = names

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import RegressorTags, Tags, TargetTags

        target = TargetTags(required=True, multi_output=True)
        return Tags(estimator_type="regressor", target_tags=target, regressor_tags=RegressorTags())

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in self._names[1:] if getattr(self, name) not in (None, 0)]
        return f"Law({', '.join([repr(self.kind), *given])})"


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{value!r} is no number", file="Law", place=name, help="give a number") from None


def _array(values: Any, name: str, dimensions: int | None) -> Array:
    import numpy as np

    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("it is no array of numbers", file="Law", place=name, help="give finite numbers") from None
    wanted = (dimensions,) if dimensions else (1, 2)
    if array.ndim not in wanted or 0 in array.shape:
        shape = "runs × domains" if name == "X" else "runs, or runs × tasks"
        raise InputError(f"the shape is {array.shape}", file="Law", place=name, help=f"give {shape}")
    if not np.isfinite(array).all():
        raise InputError("not every number is finite", file="Law", place=name, help="leave out runs without a number")
    return array


def _check_shares(x: Array, np: Any) -> None:
    sums = x.sum(axis=1)
    bad = (np.abs(sums - 1) > 0.01 + 1e-9) | (x < 0).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"row {row} is no mixture: its least share is {x[row].min():g} and they sum to {sums[row]:g}",
            file="Law",
            place="X",
            help="give shares from 0 to 1 that sum to 1 within 0.01",
        )
