"""What a comparison was asked for, and the plan and command line that follow."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from keras_ccar import datasets
from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_path,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.feature_data import as_the_backbone_takes_it, check_backbone
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.runner.speed_settings import SpeedSettings
from keras_ccar.benchmark.runner.workers import allow_shared_accelerators
from keras_ccar.benchmark.spec.controls import learning_rate_factors
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import DIGITS_METHODS, METHODS, get_method
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.spec.settings import convert_settings, format_number
from keras_ccar.benchmark.training.devices import enable_data_parallel, num_devices
from keras_ccar.datasets.long_tailed_subset import check_imbalance_factor
from keras_ccar.files import is_unicode
from keras_ccar_command.known import option_flag

_MOST_RUNS = 1_000_000


@dataclass
class CompareRequest:
    """What a comparison was asked for, by the command or from Python.

    Attributes:
        methods: names for `get_method`; if empty, the default methods of the data set.
        seeds: number of seeds, which are 0 to `seeds` - 1.
        recipe: name of the recipe; None for the first recipe of the data set.
        recipe_settings: fields of `Recipe` that replace the recipe's own.
        loss_settings: fields of `LossOptions`.
        imbalance_factor, data_seed, data_dir: see `datasets.load`.
        smoke: whether to shrink the recipe to minutes.
        parallel: number of runs trained at a time, each in its own process.
        devices, hosts, host: see `devices.enable_data_parallel`.
        fixed_speed_settings: whether a long plan does without measuring what trains
            fastest; see `speed_trial.choose_speed_settings`.
        output: folder of the comparison; None for `runs/<dataset>`.

    Raises:
        ValueError: if arguments are out of range or contradict each other.
    """

    dataset: str
    methods: Sequence[str] = ()
    seeds: int = 5
    recipe: str | None = None
    recipe_settings: Mapping[str, Any] = field(default_factory=dict)
    loss_settings: Mapping[str, Any] = field(default_factory=dict)
    imbalance_factor: float | None = None
    data_seed: int = 0
    data_dir: str | None = None
    smoke: bool = False
    parallel: int = 1
    devices: int | None = None
    hosts: Sequence[str] = ()
    host: int = 0
    fixed_speed_settings: bool = False
    output: str | Path | None = None

    def __post_init__(self) -> None:
        self._check_types()
        self.recipe_settings = convert_settings(self.recipe_settings, Recipe)
        self.loss_settings = convert_settings(self.loss_settings, LossOptions)
        # The command line, which results keep, names the folder.
        if not is_unicode(str(self.folder)):
            raise ValueError(
                "--output must be a path that can be written as UTF-8. Received: "
                f"{str(self.folder)!r}."
            )
        if self.recipe_settings.get("steps") and "epochs" in self.recipe_settings:
            raise ValueError(
                "--steps and --epochs both set the length of a run. Received: --steps "
                f"{self.recipe_settings['steps']} --epochs "
                f"{self.recipe_settings['epochs']}. Leave one of them out."
            )
        if len(self.hosts) == 1 or not 0 <= self.host < max(1, len(self.hosts)):
            raise ValueError(
                "--hosts must name two machines or more, and --host must be the number "
                f"of one of them, from 0. Received: --hosts {' '.join(self.hosts)} "
                f"--host {self.host}."
            )
        if self.hosts and ":" not in self.hosts[0]:
            raise ValueError(
                "The first of --hosts must be given with a port that the others can "
                f"reach, such as 10.0.0.1:12355. Received: {self.hosts[0]}."
            )
        if self.parallel > 1 and (self.hosts or (self.devices or 1) > 1):
            raise ValueError(
                "--parallel trains several runs at a time, --devices and --hosts train "
                "one run on all devices. Received both. Leave one of them out."
            )

    def _check_types(self) -> None:
        """Raises a `ValueError` for an argument of another type or out of range."""
        check_text("dataset", self.dataset)
        if not isinstance(self.methods, list | tuple) or not all(
            isinstance(name, str) for name in self.methods
        ):
            raise argument_error("methods", self.methods, "a list of names of methods")
        self.seeds = check_whole_number("seeds", self.seeds, 1, _MOST_RUNS)
        self.parallel = check_whole_number("parallel", self.parallel, 1, _MOST_RUNS)
        optional(check_text, "recipe", self.recipe)
        for name in ("recipe_settings", "loss_settings"):
            if not isinstance(getattr(self, name), Mapping):
                expected = "a dict of settings by name, or None"
                raise argument_error(name, getattr(self, name), expected)
        if self.imbalance_factor is not None:
            check_imbalance_factor(self.imbalance_factor)
        self.data_seed = check_whole_number("data_seed", self.data_seed, 0)
        optional(check_path, "data_dir", self.data_dir)
        self.smoke = check_boolean("smoke", self.smoke)
        self.fixed_speed_settings = check_boolean(
            "fixed_speed_settings", self.fixed_speed_settings
        )
        optional(check_path, "output", self.output)

    @property
    def folder(self) -> Path:
        """The folder of the comparison."""
        return Path(self.output or Path("runs") / self.dataset)

    def build_plan(self) -> Plan:
        """Sets up the devices, loads the data, and returns a plan that was checked.

        Must be called before anything is computed if devices or accelerators are
        shared.

        Raises:
            ValueError: if an argument is out of range.
            OSError: if the data cannot be read.
            ImportError: if a library is missing.
        """
        if self.parallel > 1:
            allow_shared_accelerators()
        enable_data_parallel(self.devices, self.hosts, self.host)
        recipe = get_recipe(self.dataset, self.recipe)
        if self.smoke:
            recipe = recipe.shrunk_for_smoke_test()
        recipe = recipe.with_settings(**self.recipe_settings)
        check_backbone(recipe)
        if recipe.batch_size % num_devices():
            raise ValueError(
                "batch_size of a recipe must be a multiple of the "
                f"{num_devices()} devices that share it. Received: "
                f"batch_size={recipe.batch_size}."
            )
        data = self._load_data(recipe)
        # If `steps` changes the number of epochs, the recipe's own warm-up and decays
        # are scaled to it, but not those that were asked for.
        kept = {
            name: self.recipe_settings.get(name) for name in ("warmup_epochs", "decays")
        }
        recipe = recipe.with_epochs_for(data.class_counts.sum()).with_settings(**kept)
        default = DIGITS_METHODS if self.dataset == "digits-lt" else METHODS
        methods = [get_method(name) for name in self.methods or default]
        is_tuned = any(learning_rate_factors(method, recipe) for method in methods)
        plan = Plan(
            data,
            recipe,
            # A method that is named twice is compared once.
            tuple({method.name: method for method in methods}.values()),
            tuple(range(self.seeds)),
            LossOptions(**self.loss_settings),
            self._load_data(recipe, validation=True) if is_tuned else None,
        )
        plan.check()
        return plan

    def command_line(self, plan: Plan, comparison: Comparison) -> str:
        """Returns the command line that reproduces the results of a plan.

        It names no folder of this machine, except the last part of the output folder.
        """
        data = plan.data
        words = ["keras-ccar", "compare", data.name]
        if data.train_arrays is not None:  # Streamed data has its own class counts.
            factor = format_number(float(data.imbalance_factor))
            words += ["--imbalance-factor", factor, "--data-seed", str(self.data_seed)]
        words += ["--recipe", get_recipe(data.name, self.recipe).name]
        if self.smoke:
            words.append("--smoke")
        words += ["--methods", *comparison.representatives]
        words += ["--seeds", str(len(comparison.seeds))]
        settings = {**self.recipe_settings, **self.loss_settings}
        variables = {"KERAS_BACKEND": keras.backend.backend()}
        if comparison.speed:
            settings.setdefault("jit_compile", plan.recipe.jit_compile)
            variables |= SpeedSettings(**comparison.speed["chosen"]).variables
        if not plan.recipe.steps:
            settings.setdefault("epochs", plan.recipe.epochs)
        for name, value in settings.items():
            if name == "backbone" and Path(value).is_absolute():
                value = Path(value).name
            if isinstance(value, bool):
                words.append(option_flag(name if value else f"no-{name}"))
            else:
                words += [option_flag(name), str(value)]
        if self.devices:
            words += ["--devices", str(self.devices)]
        if self.hosts:
            # The addresses are of no use to others.
            names = [f"HOST{number}" for number in range(len(self.hosts))]
            words += ["--hosts", f"{names[0]}:PORT", *names[1:], "--host", "NUMBER"]
        if comparison.speed or self.fixed_speed_settings:
            words.append("--fixed-speed-settings")
        folder = self.folder
        words += ["--output", folder.name if folder.is_absolute() else str(folder)]
        assigned = " ".join(f"{name}={value}" for name, value in variables.items())
        return f"{assigned} {shlex.join(words)}"

    def _load_data(
        self, recipe: Recipe, validation: bool = False
    ) -> datasets.LongTailedData:
        data = datasets.load(
            self.dataset,
            imbalance_factor=self.imbalance_factor,
            seed=self.data_seed,
            data_dir=self.data_dir,
            validation=validation,
        )
        if not recipe.backbone:
            return data
        return as_the_backbone_takes_it(data, recipe, self.folder / "features")
