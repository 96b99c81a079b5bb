"""CCAR's settings and the learning rate, tuned by Optuna on the user's own data."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod, ccar_loss
from keras_ccar.benchmark.own_data.request import OwnRequest
from keras_ccar.benchmark.own_data.training.training_parts import new_optimizer
from keras_ccar.benchmark.own_data.tuning.ranges import Range, check_forms, check_range
from keras_ccar.benchmark.python_api import train, without_compilation_warnings
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.requirements import require
from keras_ccar.weightings.ccar import FORMS

_DIGITS = 4  # that values are rounded to, as they name rows
_LEAST_RATE = 1e-12


class TuningObjective:
    """An Optuna objective that tunes CCAR and the learning rate on your own data.

    Each trial is a row of one comparison, as `keras_ccar.compare` makes it: the same
    training, the same seeds, the same files. So finished runs are kept, and a study
    that was stopped and begins again with a sampler of the same seed trains only what
    is missing. The first row is plain cross-entropy with your optimizer as it is.

    A trial is scored by the mean over seeds of `metric` on `validation`, in percent.
    Chance has a part in which trial is best, so the best score is higher than what new
    data will show. Compare the winner on test data, by `keras_ccar.compare`.

    A trial whose loss becomes infinite or NaN is pruned, and the study goes on. One
    process works on a folder at a time.

    Args:
        build_model: as in `keras_ccar.compare`.
        train: as there.
        validation: as there; the trials are scored on it.
        class_counts: as there.
        ignore_class: as there.
        ignore_value: as there.
        strength: lowest and highest strength of CCAR, from 0 on; 0 is cross-entropy.
        tau: lowest and highest τ of the logit adjustment; 0 leaves it out.
        forms: the forms of CCAR to choose from.
        learning_rate: lowest and highest learning rate, tried on a logarithmic scale;
            it takes the place of a schedule. None for that of `optimizer`, also where
            `build_model` compiles the model.
        seeds: number of seeds of each trial.
        epochs: as there.
        batch_size: as there.
        optimizer: as there.
        callbacks: as there.
        metric: as there.
        output: the folder of the comparison.

    Attributes:
        direction: "maximize" or "minimize", for `optuna.create_study`.

    Raises:
        ModuleNotFoundError: without the libraries of the extra `tuning`.
        ValueError: for arguments other than these; if model and data do not fit each
            other.

    Example:
    ```python
    import tempfile
    import keras
    import numpy as np
    import optuna
    from keras_ccar.benchmark import TuningObjective

    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [80, 20])
    x = rng.normal(size=(100, 4)).astype("float32") + labels[:, None]

    objective = TuningObjective(
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
        train=(x[::2], labels[::2]),
        validation=(x[1::2], labels[1::2]),
        forms=("exponential", "power"),
        seeds=1,
        epochs=1,
        output=tempfile.mkdtemp(),
    )
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction=objective.direction, sampler=sampler)
    study.optimize(objective, n_trials=2)
    print(study.best_params)
    ```
    """

    def __init__(
        self,
        build_model: Callable[..., Any],
        train: Any,
        validation: Any,
        *,
        class_counts: Any = None,
        ignore_class: int | None = None,
        ignore_value: float | None = None,
        strength: Range = (0.0, 2.0),
        tau: Range = (0.0, 2.0),
        forms: Sequence[str] = FORMS,
        learning_rate: Range | None = (1e-4, 1e-1),
        seeds: int = 3,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: Any = None,
        callbacks: Any = None,
        metric: str = "balanced_accuracy",
        output: str | Path = "runs/tuned",
    ) -> None:
        self._optuna = require("optuna", "Optuna", "tuning", "`TuningObjective`")
        self._ranges = {
            "strength": check_range("strength", strength),
            "tau": check_range("tau", tau),
        }
        if learning_rate is not None:
            rates = check_range("learning_rate", learning_rate, _LEAST_RATE)
            self._ranges["learning_rate"] = rates
        self._forms = check_forms(forms)
        self._request = OwnRequest(
            build_model,
            train,
            validation,
            losses=["ce"],
            class_counts=class_counts,
            ignore_class=ignore_class,
            ignore_value=ignore_value,
            seeds=seeds,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            callbacks=callbacks,
            metric=metric,
            output=output,
        )
        self._console = Console(quiet=True)
        plan = self._request.build_plan(self._console)
        if plan.setting.builder.takes_loss and learning_rate is not None:
            why = "`build_model` takes a loss, and compiles the model itself."
            raise argument_error("learning_rate", learning_rate, "None here", why)
        # What is done after training has no part in the trials.
        self._plan = dataclasses.replace(plan, methods=plan.methods[:1])
        entries = plan.entries()
        self._metric = entries["metric"]
        column = describe_column(self._metric, entries["metrics"])
        self.direction: str = "minimize" if column.lower_is_better else "maximize"

    def __call__(self, trial: Any) -> float:
        """Trains what a trial proposes with every seed, and returns its score.

        Args:
            trial: an `optuna.Trial`.

        Raises:
            TrialPruned: (Optuna's) if the loss became infinite or NaN.
            RuntimeError: if a training failed for another reason.
            FolderInUseError: if another comparison is using the folder.
        """
        values = {"form": trial.suggest_categorical("form", self._forms)}
        for name, bounds in self._ranges.items():
            is_rate = name == "learning_rate"
            values[name] = trial.suggest_float(name, *bounds, log=is_rate)
        method = self._method(values)
        plan = dataclasses.replace(self._plan, methods=(*self._plan.methods, method))
        with without_compilation_warnings():
            comparison, failed = train(self._request, plan, self._console)
        errors = [run["error"] for run in failed if run["method"] == method.name]
        if errors and errors[0].startswith(FloatingPointError.__name__):
            raise self._optuna.TrialPruned(errors[0])
        if errors:
            raise RuntimeError(f"{method.name} failed: {errors[0]}")
        trial.set_user_attr("row", method.name)
        scores = comparison.by_seed(method.name, self._metric, "validation")
        return float(scores[list(plan.seeds)].mean())

    def make_loss(self, params: Mapping[str, Any]) -> Callable[[Any], Any]:
        """Returns the loss of a trial as a function of class counts.

        `keras_ccar.compare` takes it among its `losses`.

        Args:
            params: of a trial, such as `study.best_params`.

        Raises:
            ValueError: if they are not those of a trial.
        """
        values = self._check_params(params)
        problem = self._plan.setting.problem
        return lambda counts: ccar_loss(
            problem, counts, values["form"], values["tau"], values["strength"]
        )

    def make_optimizer(self, params: Mapping[str, Any]) -> keras.optimizers.Optimizer:
        """Returns a new optimizer with the learning rate of a trial.

        Args:
            params: of a trial, such as `study.best_params`.

        Raises:
            ValueError: if they are not those of a trial.
        """
        values = self._check_params(params)
        optimizer = new_optimizer(self._request.optimizer)
        if "learning_rate" not in values:
            return optimizer
        rate = {"learning_rate": values["learning_rate"]}
        return type(optimizer).from_config({**optimizer.get_config(), **rate})

    @property
    def comparison(self) -> Comparison:
        """All trials so far, a row each, beside cross-entropy."""
        return Comparison.read(self._request.folder)

    def _method(self, params: Mapping[str, Any]) -> TrainedMethod:
        values = self._check_params(params)
        settings = ",".join(f"{name}={value}" for name, value in values.items())
        name = f"ccar[{settings}]"
        optimizer = self.make_optimizer(values) if "learning_rate" in values else None
        return TrainedMethod(name, name, "", self.make_loss(values), False, optimizer)

    def _check_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the settings of a trial, rounded."""
        names = ("form", *self._ranges)
        if not isinstance(params, Mapping) or set(params) != set(names):
            expected = f"the `params` of a trial: {', '.join(names)}"
            raise argument_error("params", params, expected)
        rounded = {
            name: float(np.format_float_scientific(params[name], _DIGITS - 1))
            for name in self._ranges
        }
        return {"form": params["form"], **rounded}
