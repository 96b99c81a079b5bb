"""The code of the best method runs, and makes the loss that was compared."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from made_results import made_results

import keras_ccar
from keras_ccar.benchmark.report.code.usage_code import code_of_best
from keras_ccar.benchmark.report.write import markdown
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS, get_method

COUNTS = [40, 10, 5]


def won_by(name, loss=None, **changes):
    """Results in which a method of the benchmark, or with some loss, is best."""
    made = made_results({"ce": [50, 51], name: [60, 61.1]}, epochs=10)
    if loss is None:
        entry = get_method(name).to_config(COUNTS, LossOptions(tau=1.5))
    else:
        entry = {"loss": keras.saving.serialize_keras_object(loss)}
    made.methods[1] |= {**entry, **changes}
    return made


def code_of(made):
    """The only block of code."""
    (block,) = code_of_best(made)
    assert block.words == ""
    return block.code


def compiled_by(code):
    """The compiled model that the code makes of a model on logits."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    features = np.zeros((6, 4), "float32")
    train = [(features, np.arange(6) % 3)]
    space = {"model": model, "optimizer": "sgd", "class_counts": COUNTS}
    exec(code, {**space, "train": Batches(train)})
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.parametrize(
    "name",
    [name for name in METHODS if "×" not in name and name not in ("ce", "ce-tuned")],
)
def test_the_code_of_every_method_makes_its_loss(name):
    made = won_by(name)
    made.recipe["epochs"] = 1
    model = compiled_by(code_of(made))
    expected = made.methods[1]["loss"]["config"]
    config = model.loss.get_config()
    for key in ("class_counts", "weighting", "adjustment", "normalize", "from_logits"):
        if key in expected:
            assert config[key] == expected[key], key


def test_the_text_of_the_code():
    assert code_of(won_by("la")) == (
        "import keras_ccar\n"
        "\n"
        "# class_counts: how many training examples each class has.\n"
        "loss = keras_ccar.LogitAdjustedLoss(\n"
        "    class_counts,\n"
        "    from_logits=True,\n"
        "    tau=1.5,\n"
        ")\n"
        "model.compile(optimizer, loss=loss)\n"
        "model.fit(train, epochs=10)"
    )
    deferred = code_of(won_by("ldam-drw"))
    assert "callbacks=[keras_ccar.DeferredReweighting(8)]" in deferred
    corrected = code_of(won_by("la-posthoc"))
    assert "LogitCorrection(\n    class_counts,\n    tau=1.5,\n" in corrected
    assert corrected.endswith("model = keras_ccar.posthoc.chain(model, correction)")


@pytest.mark.parametrize("name", ["ccar+la", "ccar[form=power]", "ldam-drw"])
def test_the_code_is_formatted(name, tmp_path):
    """Pages of Markdown hold it, whose code the formatter of a project checks."""
    path = tmp_path / "code.py"
    path.write_text(code_of(won_by(name)) + "\n")
    ruff = [sys.executable, "-m", "ruff", "format", "--check", str(path)]
    subprocess.run(ruff, check=True, capture_output=True)


def test_code_of_keras_own_losses_and_of_yes_or_no_labels():
    code = code_of(
        won_by("mine", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    )
    assert "SparseCategoricalCrossentropy(\n    from_logits=True,\n)" in code
    assert code.startswith("import keras\n")
    loss = keras_ccar.BinaryCCARLoss([40, 10], num_examples=100)
    code = code_of(won_by("mine", loss))
    assert "BinaryCCARLoss(\n    class_counts,\n    num_examples=num_exa" in code
    assert (
        "# class_counts: how many training examples are yes, for each label.\n" in code
    )
    assert "# num_examples: how many training examples there are.\n" in code


@pytest.mark.parametrize(
    "loss",
    [
        {"class_name": "own"},
        {"class_name": "f", "config": {}, "module": "os", "registered_name": None},
        {"class_name": "own", "config": {}, "registered_name": "keras_ccar>Nothing"},
        {"class_name": "__doc__", "config": {}, "module": "keras.losses"},
    ],
)
def test_no_code_of_what_nobody_can_call(loss):
    made = won_by("ccar", loss=None)
    made.methods[1]["loss"] = loss
    assert code_of_best(made) == []
    assert "The code of the best" not in markdown(made, {})
    assert code_of_best(won_by("la×c")) == []
    assert code_of_best(made_results({"ce": [None]})) == []
