import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.optimizer import CoupledSGD

# A warm-up and two drops, the first to a hundredth.
RATES = (0.02, 0.04, 0.06, 0.06, 0.06, 0.0006, 0.0006, 0.000006)
EXAMPLES, STEPS = 24, 4
OPTIONS = {
    "plain": {"momentum": 0.0, "decay": 0.0},
    "decay": {"momentum": 0.0, "decay": 0.1},
    "momentum": {"momentum": 0.9, "decay": 0.0},
    "both": {"momentum": 0.9, "decay": 0.1},
    "Nesterov": {"momentum": 0.9, "decay": 0.1, "nesterov": True},
}


def steps_of(gradient, start, rates, momentum, decay, nesterov=False):
    """Returns the variable after each step, computed from the definition in float64.

    The gradient is a function of the step and the variable.
    """
    variable, velocity = np.array(start, "float64"), np.zeros(np.shape(start))
    path = []
    for step, rate in enumerate(rates):
        decayed = gradient(step, variable) + decay * variable
        velocity = momentum * velocity + decayed
        ahead = decayed + momentum * velocity if nesterov else velocity
        variable = variable - rate * ahead
        path.append(variable)
    return np.array(path)


def applied(optimizer, gradients, start, rates, dtype="float32"):
    """Returns the variable after each step of an optimizer."""
    variable = keras.Variable(start, dtype=dtype)
    path = []
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(gradient, dtype)], [variable])
        path.append(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32")))
    return np.array(path)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_steps_over_a_schedule(options):
    random = np.random.default_rng(0)
    rates = np.repeat(RATES, STEPS)
    start, gradients = random.normal(size=(3, 2)), random.normal(size=(32, 3, 2))
    expected = steps_of(lambda step, _: gradients[step], start, rates, **options)
    actual = applied(CoupledSGD(1.0, **options), gradients, start, rates)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_steps_equal_those_of_pytorch(options):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    random = np.random.default_rng(0)
    rates = np.repeat(RATES, STEPS)
    start = random.normal(size=(3, 2)).astype("float32")
    gradients = random.normal(size=(32, 3, 2)).astype("float32")

    theirs = torch.nn.Parameter(torch.tensor(start, device="cpu"))
    settings = {**options, "weight_decay": options["decay"]}
    del settings["decay"]
    oracle = torch.optim.SGD([theirs], lr=1.0, **settings)
    expected = []
    for gradient, rate in zip(gradients, rates, strict=True):
        oracle.param_groups[0]["lr"] = float(rate)
        theirs.grad = torch.tensor(gradient, device="cpu")
        oracle.step()
        expected.append(theirs.detach().numpy().copy())
    actual = applied(CoupledSGD(1.0, **options), gradients, start, rates)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_the_step_shrinks_with_the_rate_at_once():
    rates = [0.1] * 40 + [0.001] * 40
    ones = np.ones((80, 1))
    path = applied(CoupledSGD(0.1, 0.9, 0.0), ones, [0.0], rates)[:, 0]
    # The velocity nears 1 / (1 - 0.9) = 10 and stays there.
    assert path[39] - path[40] == pytest.approx(0.001 * 10, rel=0.02)
    assert path[39] - path[79] == pytest.approx(40 * 0.001 * 10, rel=0.02)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_variables(dtype):
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=5), random.normal(size=(6, 5))
    rates = [0.1] * 4 + [0.01] * 2
    expected = steps_of(lambda step, _: gradients[step], start, rates, 0.9, 0.1)
    actual = applied(CoupledSGD(0.1, 0.9, 0.1), gradients, start, rates, dtype)
    np.testing.assert_allclose(actual, expected, atol=0.05)


def regression():
    random = np.random.default_rng(1)
    x = random.normal(size=(EXAMPLES, 3)).astype("float32")
    return x, (x @ [[1.0], [-2.0], [0.5]]).astype("float32")


def model_of(options, policy="float32", jit_compile=False):
    dense = keras.layers.Dense(
        1, use_bias=False, kernel_initializer="ones", dtype=policy
    )
    model = keras.Sequential([keras.Input((3,)), dense])
    optimizer = CoupledSGD(1.0, **options)
    if policy == "mixed_float16":
        # Keras would begin at a scale that overflows, and skip the first steps.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64)
    model.compile(optimizer, "mse", jit_compile=jit_compile)
    return model


def fit(model, epochs=8, initial_epoch=0):
    model.fit(
        *regression(),
        batch_size=EXAMPLES // STEPS,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=False,
        callbacks=[keras.callbacks.LearningRateScheduler(RATES.__getitem__)],
        verbose=0,
    )
    return keras.ops.convert_to_numpy(model.trainable_variables[0])


def expected_of_fit(options):
    x, y = (array.reshape(STEPS, -1, array.shape[-1]) for array in regression())

    def gradient(step, kernel):
        step %= STEPS
        return 2 * x[step].T @ (x[step] @ kernel - y[step]) / len(x[step])

    rates = np.repeat(RATES, STEPS)
    return steps_of(gradient, np.ones((3, 1)), rates, **options)[-1]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("kind", ["decay", "both", "Nesterov"])
def test_compiled_training_over_a_schedule(kind, jit_compile):
    options = OPTIONS[kind]
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("there, `jit_compile` is another compiler, which nothing here uses")
    actual = fit(model_of(options, jit_compile=jit_compile))
    np.testing.assert_allclose(actual, expected_of_fit(options), rtol=1e-4)


def two_layers(options, jit_compile=False):
    """A model whose first layer learns at a fifth of the rate, and its optimizer's."""
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(2, use_bias=False, name="first")(inputs)
    outputs = keras.layers.Dense(1, use_bias=False, name="last")(hidden)
    model = keras.Model(inputs, outputs)
    kernels = [np.linspace(-0.5, 0.5, 6).reshape(3, 2), np.array([[0.4], [-0.3]])]
    model.set_weights(kernels)
    optimizer = CoupledSGD(1.0, **options, factors={"first/kernel": 0.2})
    model.compile(optimizer, "mse", jit_compile=jit_compile)
    return model


def walk_of_two_layers(options, factor):
    """Both kernels after the schedule, computed from the definition in float64."""
    x, y = (array.reshape(STEPS, -1, array.shape[-1]) for array in regression())
    first = np.linspace(-0.5, 0.5, 6).reshape(3, 2).astype("float32").astype("float64")
    last = np.array([[0.4], [-0.3]], "float32").astype("float64")
    momentum, decay = options["momentum"], options["decay"]
    velocities = [np.zeros_like(first), np.zeros_like(last)]
    for step, rate in enumerate(np.repeat(RATES, STEPS)):
        x_, y_ = x[step % STEPS], y[step % STEPS]
        error = 2 * (x_ @ first @ last - y_) / len(x_)
        gradients = [x_.T @ error @ last.T, (x_ @ first).T @ error]
        steps = []
        for place, kernel in enumerate((first, last)):
            decayed = gradients[place] + decay * kernel
            velocities[place] = momentum * velocities[place] + decayed
            nesterov = options.get("nesterov", False)
            ahead = decayed + momentum * velocities[place]
            steps.append(ahead if nesterov else velocities[place])
        first, last = first - rate * factor * steps[0], last - rate * steps[1]
    return first, last


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("kind", OPTIONS)
def test_some_variables_learn_at_a_share_of_the_rate(kind, jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("there, `jit_compile` is another compiler, which nothing here uses")
    options = OPTIONS[kind]
    model = two_layers(options, jit_compile)
    fit(model)
    found = model.get_weights()
    expected = walk_of_two_layers(options, 0.2)
    for actual, kernel in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, kernel, rtol=1e-4, atol=1e-5)
    # At the whole rate it ends elsewhere.
    same = walk_of_two_layers(options, 1.0)
    assert np.abs(found[0] - same[0]).max() > 0.01


def test_a_saved_training_keeps_its_factors(tmp_path):
    whole = two_layers(OPTIONS["both"])
    fit(whole)
    model = two_layers(OPTIONS["both"])
    fit(model, epochs=6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    fit(again, initial_epoch=6)
    for found, expected in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_factors_of_no_variable_or_of_no_use_are_told():
    wrong = CoupledSGD(0.1, 0.9, 0.0, factors={"other/kernel": 0.1})
    with pytest.raises(ValueError, match=r"`factors` must.*other/kernel.*such as 'k"):
        wrong.build([keras.Variable([1.0], name="kernel")])
    twice = CoupledSGD(0.1, 0.9, 0.0, factors={"kernel": 0.1})
    with pytest.raises(ValueError, match=r"`factors` must be.*2 of 2 variables"):
        twice.build([keras.Variable([1.0], name="kernel") for _ in range(2)])
    for factor in (0, -1, float("nan"), "0.1"):
        with pytest.raises(ValueError, match=r"`factors\['kernel'\]` must be"):
            CoupledSGD(0.1, 0.9, 0.0, factors={"kernel": factor})


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_training_in_half_precision(policy):
    model = model_of(OPTIONS["both"], policy)
    np.testing.assert_allclose(
        fit(model), expected_of_fit(OPTIONS["both"]), rtol=0.05, atol=0.02
    )
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    assert [velocity.dtype for velocity in optimizer.momentums] == ["float32"]


def test_a_saved_training_goes_on_with_the_same_digits(tmp_path):
    options = OPTIONS["Nesterov"]
    whole = fit(model_of(options))
    # Between the first drop and the second, where the velocity matters most.
    model = model_of(options)
    fit(model, epochs=6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, CoupledSGD)
    np.testing.assert_array_equal(fit(again, initial_epoch=6), whole)


DEVICES = """
import sys
import keras
import numpy as np
from keras_ccar.benchmark.training.optimizer import CoupledSGD

rates = [0.02, 0.06, 0.06, 0.0006, 0.0006]
random = np.random.default_rng(0)
x = random.normal(size=(16, 3)).astype("float32")
y = (x @ [[1.0], [-2.0], [0.5]]).astype("float32")


def train():
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((3,)), dense])
    model.compile(CoupledSGD(1.0, 0.9, 0.1, nesterov=True), "mse")
    scheduler = keras.callbacks.LearningRateScheduler(rates.__getitem__)
    settings = {"epochs": 5, "shuffle": False, "callbacks": [scheduler], "verbose": 0}
    model.fit(x, y, batch_size=8, **settings)
    return keras.ops.convert_to_numpy(model.trainable_variables[0])


if keras.backend.backend() == "jax":
    alone = train()
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    shared = train()
else:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    alone = train()
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        shared = train()
assert not np.array_equal(alone, np.ones((3, 1)))
np.testing.assert_allclose(shared, alone, rtol=1e-5)
"""


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="one device alone")
def test_two_devices_step_as_one():
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    subprocess.run([sys.executable, "-c", DEVICES], check=True, env=os.environ | flags)


def test_config_round_trip():
    options = {"nesterov": True, "clipnorm": 2.0, "factors": {"a/kernel": 0.25}}
    optimizer = CoupledSGD(0.1, momentum=0.8, decay=0.02, **options)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(optimizer)
    )
    assert isinstance(again, CoupledSGD)
    assert (again.momentum, again.decay, again.nesterov) == (0.8, 0.02, True)
    assert (again.clipnorm, dict(again.factors)) == (2.0, {"a/kernel": 0.25})
    assert float(again.learning_rate) == pytest.approx(0.1)


def test_gradients_are_clipped_before_the_decay():
    optimizer = CoupledSGD(1.0, momentum=0.0, decay=0.5, clipvalue=0.1)
    assert applied(optimizer, [[8.0]], [2.0], [1.0])[0] == pytest.approx(2 - 0.1 - 1)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match=r"`weight_decay` must be.*as `decay`"):
        CoupledSGD(0.1, momentum=0.9, decay=0.0, weight_decay=1e-4)
    for decay in (-0.1, float("nan"), "0.1", None):
        with pytest.raises(ValueError, match="`decay` must be a finite number >= 0"):
            CoupledSGD(0.1, momentum=0.9, decay=decay)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_give_it_what_it_takes(recipe):
    CoupledSGD(recipe.learning_rate, recipe.momentum, recipe.weight_decay)
