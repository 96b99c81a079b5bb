"""Every argument of every public object refuses what it cannot take, by its name."""

import datetime
import decimal
import fractions
import inspect
import math
import types
import warnings
from functools import partial

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import (
    adjustments,
    benchmark,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    posthoc,
    serving,
    weightings,
)

MODULES = (
    keras_ccar,
    adjustments,
    benchmark,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    posthoc,
    serving,
    weightings,
)

WRONG = {
    "text": "no",
    "empty text": "",
    "bytes": b"x",
    "None": None,
    "NaN": math.nan,
    "infinity": math.inf,
    "-infinity": -math.inf,
    "-1": -1,
    "1.5": 1.5,
    "400 digits": 10**400,
    "-400 digits": -(10**400),
    "complex": 1 + 2j,
    "empty list": [],
    "empty dict": {},
    "empty set": set(),
    "object": object(),
    "function": lambda *arguments: None,
    "type": int,
    "numpy NaN": np.float32("nan"),
    "array of two": np.array([0.25, 0.75]),
    "array of a text": np.array("x"),
    "empty array": np.zeros(0),
    "True": True,
    "numpy True": np.bool_(True),
    "date": np.datetime64("2024-01-01"),
    "time": datetime.datetime(2024, 1, 1),
    "decimal NaN": decimal.Decimal("NaN"),
    "decimal": decimal.Decimal("1.5"),
    "fraction": fractions.Fraction(1, 3),
    "range": range(1, 3),
    "nested list": [[1, 2], [3]],
    "list of None": [None, None],
    "dict of a text": {0: "a"},
    "huge key": {10**400: 1},
    "symbolic tensor": keras.KerasTensor((2,)),
    "module": types.ModuleType("nothing"),
}

# What of this is right, by argument. None is right too where it is the default.
TEXT, FUNCTION, TRUTH = {"text"}, {"function"}, {"True", "numpy True"}
SHARE, AMOUNT, WHOLE = {"fraction"}, {"fraction", "1.5"}, {"-1"}
COUNTS, SHARES = {"range"}, {"range", "array of two"}
ARRAYS = {"array of two", "empty list", "empty array"}
NUMBERS = {*AMOUNT, "decimal", *SHARES, "None"}
PRIORS = {*SHARES, *SHARE}
NONE: set[str] = set()
DICTS = {"empty dict", "dict of a text", "huge key"}
LISTS = {"empty list", "nested list", "list of None"}
RIGHT = {
    **dict.fromkeys(("name", "title", "digest", "command"), TEXT),
    **dict.fromkeys(("split", "train_split"), TEXT),
    "test_split": {"text", "None"},
    **dict.fromkeys(("image_key", "label_key"), TEXT),
    **dict.fromkeys(("directory", "path", "test_path", "log_dir"), TEXT),
    **dict.fromkeys(("data_dir", "output"), TEXT),
    **dict.fromkeys(("from_logits", "normalize", "differentiate_weight"), TRUTH),
    **dict.fromkeys(("trainable", "autocast", "update_frequencies"), TRUTH),
    **dict.fromkeys(("delete_checkpoint", "in_memory", "multi_label"), TRUTH),
    **dict.fromkeys(
        ("return_names", "validation", "smoke", "fixed_speed_settings"), TRUTH
    ),
    **dict.fromkeys(("flip", "warm_up"), TRUTH),
    **dict.fromkeys(("label_smoothing", "pivot", "beta", "momentum"), SHARE),
    **dict.fromkeys(("threshold", "confidence"), SHARE),
    **dict.fromkeys(("head", "tail"), SHARE),
    "average": {"None"},
    **dict.fromkeys(("color_jitter",), SHARE),
    **dict.fromkeys(("strength", "tau", "smoothing", "gamma", "scale"), AMOUNT),
    "limit": AMOUNT,
    **dict.fromkeys(("max_margin", "few"), AMOUNT),
    **dict.fromkeys(("gamma_positive", "gamma_negative"), AMOUNT),
    **dict.fromkeys(("kappa", "negative_scale"), AMOUNT),
    **dict.fromkeys(("alpha", "clip"), SHARE),
    "mu": {*AMOUNT, "-1"},
    **dict.fromkeys(("axis", "ignore_class"), WHOLE),
    **dict.fromkeys(("class_counts", "class_names"), SHARES),
    # Of two classes, or of the yes of one question.
    **dict.fromkeys(("target_prior", "trained_prior"), PRIORS),
    "example": SHARES,
    **dict.fromkeys(("weighting", "form", "activity_regularizer"), FUNCTION),
    **dict.fromkeys(("sampler", "encoded_train", "encoded_test"), FUNCTION),
    **dict.fromkeys(("p_t", "f_c"), ARRAYS),
    "imbalance_factor": {"1.5"},
    "thresholds": {"fraction", "array of two"},
    "quantiles": {"fraction", "infinity", "array of two"},
    "temperature": {*AMOUNT, "decimal", *SHARES},
    "bias": {*AMOUNT, "decimal", *WHOLE, *SHARES},
    "taus": SHARES,
    "costs": NONE,
    **dict.fromkeys(("precision", "recall", "coverage", "share"), SHARE),
    **dict.fromkeys(("shrinkage", "tolerance"), AMOUNT),
    "adjusted": TRUTH,
    "ignore_value": {"NaN", "-1", "1.5", "numpy NaN"},  # what is no target
    "kernel_initializer": {"function", "None"},
    "reduction": {"None"},
    "data": {"range", "nested list"},
    "methods": {"empty list"},
    "recipe_settings": {"empty dict"},
    "loss_settings": {"empty dict"},
}
# The same, where an object differs from the others; None is listed here.
RIGHT_OF = {
    ("one_output", "output"): NONE,
    # Losses and metrics without a name are given one.
    **{
        (name, "name"): {"text", "None"}
        for module in (losses, metrics)
        for name in module.__all__
    },
    # Shares do not tell how many examples there are.
    **dict.fromkeys(
        (
            ("ClassBalancedLoss", "class_counts"),
            ("ShotAccuracy", "class_counts"),
            ("plot_class_counts", "class_counts"),
            ("show_class_counts", "class_counts"),
        ),
        COUNTS,
    ),
    **{
        (f"{kind}LongTailedCrossentropy", "class_counts"): {*SHARES, "None"}
        for kind in ("", "Binary")
    },
    **{("DistributionBalancedLoss", name): AMOUNT for name in ("alpha", "beta")},
    # Six examples of two classes are none of these.
    **dict.fromkeys(
        (
            (name, "class_counts")
            for name in (
                "class_balanced",
                "progressively_balanced",
                "square_root_balanced",
            )
        ),
        NONE,
    ),
    ("BinaryCCARLoss", "num_examples"): {"1.5", "decimal"},
    ("BinaryClassBalancedLoss", "num_examples"): NONE,
    **{
        (name, "num_examples"): {"1.5", "decimal", "None"}
        for name in ("calibrate", "tune_thresholds")
    },
    ("LongTailedData", "class_counts"): {"array of two"},
    ("LabelAwareSmoothing", "form"): NONE,
    # Of no part that is tuned, and of no data beside an array of predictions.
    ("chain", "layers"): {"None"},
    ("estimate_prior", "unlabelled"): {"None"},
    ("retrain_classifier", "loss"): {"function", "None"},
    ("ccar_weight", "num_classes"): NUMBERS,
    ("ccar_weight", "num_examples"): NUMBERS,
    # The content of a file; its keys are those of `results.json`.
    **{
        ("Comparison", name): DICTS
        for name in ("dataset", "recipe", "options", "environment", "speed")
    },
    **{("Comparison", name): LISTS for name in ("methods", "seeds", "run_entries")},
    **{
        ("Comparison", name): {"text", "empty text"} for name in ("command", "baseline")
    },
    ("keras_ccar.compare", "build_model"): FUNCTION,
    ("keras_ccar.compare", "class_counts"): {*SHARES, "None"},
    ("keras_ccar.compare", "class_names"): {*SHARES, "None"},
    ("keras_ccar.compare", "optimizer"): {"function", "None"},
    ("keras_ccar.compare", "callbacks"): {"function", "empty list", "None"},
    ("keras_ccar.compare", "metrics"): {"empty list"},
    ("keras_ccar.compare", "budget"): {*AMOUNT, "None"},
    ("keras_ccar.compare", "validation"): NONE,
    # It builds the model, and makes the callbacks, when it is made.
    ("TuningObjective", "build_model"): NONE,
    ("TuningObjective", "callbacks"): {"empty list", "None"},
    ("TuningObjective", "class_counts"): {*SHARES, "None"},
    ("TuningObjective", "ignore_value"): {"None"},  # its data are of classes
    ("TuningObjective", "optimizer"): {"function", "None"},
    ("TuningObjective", "validation"): NONE,
    **dict.fromkeys(
        (("TuningObjective", name) for name in ("strength", "tau", "forms")), NONE
    ),
    ("TuningObjective", "learning_rate"): {"None"},
    ("Comparison", "split"): NONE,
    ("Comparison", "folder"): {"text", "None"},
}
# What errors may name instead: what data holds, or what does not fit it.
ALSO_NAMED = {
    "data": ("Labels must", "Elements "),
    "dataset": ("Labels must", "Arrays must", "The data holds"),
    "images": ("`labels`",),
    "recipe_settings": ("is not a setting",),
    "loss_settings": ("is not a setting",),
}


def public_objects():
    """The public classes and functions by name."""
    found = {
        name: getattr(module, name) for module in MODULES for name in module.__all__
    }
    # Two functions have this name.
    found["keras_ccar.compare"] = keras_ccar.compare
    return {
        name: member
        for name, member in found.items()
        if inspect.isclass(member) or inspect.isfunction(member)
    }


OBJECTS = public_objects()
ARGUMENTS = [
    (name, argument)
    for name, member in OBJECTS.items()
    for argument in inspect.signature(member).parameters
]
CONFIGURED = [name for name, member in OBJECTS.items() if hasattr(member, "get_config")]


class Builder:
    """A builder of tensorflow-datasets, as far as arguments are concerned."""

    name = "data"

    def as_dataset(self):
        raise NotImplementedError


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What an object must be given, by its name and that of the argument."""
    folder = tmp_path_factory.mktemp("arguments")
    labels = np.arange(12) % 2
    images = np.arange(12 * 4, dtype="uint8").reshape(12, 2, 2, 1)
    for name in ("cat", "owl"):
        (folder / "images" / name).mkdir(parents=True)
        image = np.zeros((2, 2, 3))
        keras.utils.save_img(folder / "images" / name / "0.png", image)
    model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(2)])
    subset = {
        "name": "animals",
        "class_counts": np.array([6, 6]),
        "class_names": ["cat", "owl"],
        "imbalance_factor": 1.0,
        "seed": 0,
        "digest": "0",
    }
    sampled = {"dataset": (labels, labels), "class_counts": [6, 6], "epochs": 1}
    # Three of four are right, of both classes.
    answers = np.arange(60) // 2 % 2
    guesses = np.where(np.arange(60) % 4 == 0, 1 - answers, answers)
    logits = 3.0 * np.eye(2)[guesses] - 1.5
    own = {
        "build_model": lambda: keras.models.clone_model(model),
        "train": (logits[::2].astype("float32"), answers[::2]),
        "validation": (logits[1::2].astype("float32"), answers[1::2]),
    }
    comparison = benchmark.Comparison({}, {}, {}, [], [], {}, [])
    streamed = datasets.LongTailedData(**subset, encoded_train=WRONG["function"])
    return {
        "AveragePrecision": {"num_classes": 2},
        ("AveragePrecision", "class_names"): {"average": None},
        "BackupAndResume": {"directory": folder / "backup"},
        "BalancedAccuracy": {"num_classes": 2},
        "BinaryCCARLoss": {"class_counts": [0.5], "num_examples": 10},
        "BinaryClassBalancedLoss": {"class_counts": [2], "num_examples": 10},
        "Comparison": {**vars(comparison)},
        "CosineHead": {"units": 2},
        "CostSensitiveDecision": {"costs": [[0, 1], [1, 0]]},
        "DeferredReweighting": {"start_epoch": 1},
        "GeometricMean": {"num_classes": 2},
        "LongTailedData": subset,
        "MacroF1": {"num_classes": 2},
        "PerClassRecall": {"num_classes": 2},
        "PredictionSet": {"quantiles": 0.5},
        "TemperatureScaling": {"temperature": 2.0},
        "Thresholds": {"thresholds": 0.5},
        "TuningObjective": {**own, "output": folder / "tuned"},
        "WeightedSum": {"losses": [(1.0, "mse")]},
        "calibrate": {"model": logits, "validation": answers},
        "ccar_weight": {"p_t": 0.5, "f_c": 0.5},
        "chain": {"model": model},
        "keras_ccar.compare": {**own, "output": folder / "own"},
        "alarm_rate_at_most": {"share": 0.1},
        "class_balanced": sampled,
        "compare": {
            "dataset": "digits-lt",
            "methods": ["ce"],
            "output": folder / "comparison",
        },
        "count_classes": {"data": labels},
        "estimate_prior": {"model": logits, "unlabelled": None},
        ("estimate_prior", "validation"): {"max_iterations": 1},
        "evaluate_classes": {"model": logits, "data": answers, "resamples": 2},
        "evaluation_batches": {"data": streamed},
        "export": {"model": model, "path": folder / "served"},
        "from_arrays": {"train": (images, labels)},
        "from_directory": {"path": folder / "images"},
        "from_tfds": {"builder": Builder()},
        "load": {"name": "digits-lt"},
        "long_tailed_counts": {
            "num_classes": 2,
            "head_count": 4,
            "imbalance_factor": 2,
        },
        "long_tailed_indices": {
            "images": images,
            "labels": labels,
            "imbalance_factor": 2,
        },
        "one_output": {"model": model, "output": 0},
        "plot_class_counts": {"path": folder / "counts.png"},
        "precision_at_least": {"precision": 0.5},
        "prediction_sets": {"model": logits, "calibration": answers},
        "progressively_balanced": sampled,
        "recall_at_least": {"recall": 0.5},
        # The method that trains nothing, and one that takes data.
        "retrain_classifier": {"model": model, "data": None, "method": "tau-norm"},
        ("retrain_classifier", "data"): {"method": "crt", "epochs": 1},
        "square_root_balanced": sampled,
        "subset_digest": {"images": images, "labels": labels},
        "training_batches": {"data": streamed},
        "tune_logit_correction": {
            "model": logits,
            "validation": answers,
            "resamples": 2,
        },
        ("tune_thresholds", "num_examples"): {"class_counts": [1]},
        ("calibrate", "num_examples"): {
            "model": logits[:, 1:],
            "class_counts": [1],
        },
        "tune_thresholds": {"model": logits[:, 1:], "validation": answers},
    }


def arguments_of(name, given, argument=None):
    """Arguments that are right, those for trying one of them if it is named."""
    parameter = inspect.signature(OBJECTS[name]).parameters.get("class_counts")
    needs_counts = parameter is not None and parameter.default is parameter.empty
    counts = {"class_counts": [500, 100]} if needs_counts else {}
    return {**counts, **given.get(name, {}), **given.get((name, argument), {})}


def make(name, arguments):
    """Calls an object; what it takes any number of is given as one."""
    arguments = dict(arguments)
    kinds = inspect.signature(OBJECTS[name]).parameters
    several = next((n for n in kinds if kinds[n].kind is kinds[n].VAR_POSITIONAL), None)
    if several not in arguments:
        return OBJECTS[name](**arguments)
    one = arguments.pop(several)
    return OBJECTS[name](*arguments.values(), one)


def right_values(name, argument):
    """Which of the wrong values are right for an argument."""
    if (name, argument) in RIGHT_OF:
        return RIGHT_OF[name, argument]
    parameter = inspect.signature(OBJECTS[name]).parameters.get(argument)
    is_optional = parameter is not None and parameter.default is None
    return RIGHT.get(argument, NONE) | ({"None"} if is_optional else NONE)


def refusal(call):
    """The message of the error that a call raises, None without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A function that cannot be saved.
        try:
            call()
        except (TypeError, ValueError) as error:
            return str(error)
    return None


def problems(call, argument, right):
    """What is not refused by the name of the argument, with the message."""
    found = {}
    names = (f"`{argument}", *ALSO_NAMED.get(argument, ()))
    for label, value in WRONG.items():
        if label not in right:
            message = refusal(lambda value=value: call(value))
            if message is None or not any(name in message for name in names):
                found[label] = message
    return found


def test_there_are_enough_of_both():
    assert len(WRONG) >= 30
    assert len(OBJECTS) > 60
    assert len(ARGUMENTS) > 250


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_wrong_values_are_refused_by_name(name, argument, given):
    if argument == "example" and keras.backend.backend() == "torch":
        pytest.skip("torch cannot export")
    arguments = arguments_of(name, given, argument)

    def call(value):
        return make(name, {**arguments, argument: value})

    right = right_values(name, argument)
    assert problems(call, argument, right) == {}
    # Functions would go on to read, write or train, and TensorBoard needs TensorFlow.
    if inspect.isclass(OBJECTS[name]) and argument != "log_dir":
        refused = {label: refusal(partial(call, WRONG[label])) for label in right}
        assert refused == dict.fromkeys(right)


@pytest.mark.parametrize("name", CONFIGURED)
def test_wrong_values_in_a_configuration_are_refused_by_name(name, given):
    built = OBJECTS[name](**arguments_of(name, given))
    config = built.get_config()
    for argument in config:

        def load(value, argument=argument):
            return OBJECTS[name].from_config({**config, argument: value})

        assert problems(load, argument, right_values(name, argument)) == {}, argument


@pytest.mark.parametrize(
    ("argument", "part"),
    [
        ("weighting", weightings.CCARWeighting()),
        ("weighting", weightings.EffectiveNumber()),
        ("weighting", weightings.Focal()),
        ("adjustment", adjustments.LogitAdjustment()),
        ("adjustment", adjustments.LDAMMargin()),
        ("label_smoothing", adjustments.LabelAwareSmoothing()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_wrong_values_of_a_part_in_a_configuration(argument, part):
    loss = keras_ccar.LongTailedCrossentropy([500, 100], **{argument: part})
    config = loss.get_config()
    for name in config[argument]["config"]:

        def load(value, name=name):
            inner = {**config[argument]["config"], name: value}
            saved = {**config, argument: {**config[argument], "config": inner}}
            return type(loss).from_config(saved)

        assert problems(load, name, right_values(type(part).__name__, name)) == {}, name


@pytest.mark.parametrize("name", ["CCARLoss", "BinaryCCARLoss"])
def test_wrong_frequencies_in_a_configuration(name, given):
    loss = OBJECTS[name](**arguments_of(name, given))
    loss.blend_prior(np.array([3.0, 2.0]), 0.5)
    config = loss.get_config()
    frequency, num_examples = config["prior"]

    def load(value):
        return type(loss).from_config({**config, "prior": value})

    assert problems(load, "prior", {"None"}) == {}
    assert problems(lambda value: load([value, num_examples]), "prior", SHARES) == {}
    right = {"1.5", "fraction"}
    assert problems(lambda value: load([frequency, value]), "prior[1]", right) == {}
    assert "3 frequencies" in refusal(lambda: load([[0.5, 0.3, 0.2], num_examples]))
    np.testing.assert_array_equal(load(config["prior"]).frequency, frequency)
    # What files of version 0.1.0 have.
    del config["prior"]

    def load_old(value):
        return type(loss).from_config({**config, "frequency": value})

    assert problems(load_old, "frequency", {"None", *SHARES}) == {}


def test_wrong_pairs_in_the_configuration_of_a_sum():
    config = keras_ccar.WeightedSum([(1.0, "mse")]).get_config()

    def load(losses):
        return keras_ccar.WeightedSum.from_config({**config, "losses": losses})

    weights = problems(lambda value: load([[value, "mse"]]), "losses[0][0]", set())
    assert set(weights) == {"-1", "1.5", "fraction"}
    parts = problems(lambda value: load([[1.0, value]]), "losses", {"function"})
    assert parts == {}
