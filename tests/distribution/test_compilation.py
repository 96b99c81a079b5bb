"""How often the training step is compiled, and what is in it."""

import functools
import re

import keras
import numpy as np
import pytest

import keras_ccar

BACKEND = keras.backend.backend()
COUNTS = [150, 40, 20, 10, 4]
NUM_CLASSES = len(COUNTS)

pytestmark = pytest.mark.skipif(BACKEND == "torch", reason="torch does not compile")


def classifier(**options):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.Dense(NUM_CLASSES),
        ]
    )
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, normalize=True)
    model.compile(keras.optimizers.SGD(0.1), loss, **options)
    return model


def samples():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(NUM_CLASSES), COUNTS))
    return rng.normal(size=(len(labels), 8)).astype("float32"), labels


def fit(model, epochs, callbacks=()):
    callbacks = [
        keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5),
        keras_ccar.DeferredReweighting(2),
        *callbacks,
    ]
    x, labels = samples()
    model.fit(x, labels, batch_size=32, epochs=epochs, callbacks=callbacks, verbose=0)


@pytest.mark.slow
def test_one_compilation_of_the_step_in_5_epochs(monkeypatch):
    model = classifier(jit_compile=True)
    compilations = []
    # How often the body of each compiled function ran in Python: once a compilation.
    traced = []

    def recording(compile_function):
        def compile_and_record(function, *args, **kwargs):
            index = len(traced)
            traced.append(0)

            @functools.wraps(function)
            def body(*inputs, **options):
                traced[index] += 1
                return function(*inputs, **options)

            return compile_function(body, *args, **kwargs)

        return compile_and_record

    if BACKEND == "jax":
        import jax
        from keras.src.backend.jax import trainer

        # Keras 3.8 has no name of its own for it.
        owner = trainer if hasattr(trainer, "jit") else jax
        monkeypatch.setattr(owner, "jit", recording(jax.jit))
    else:
        import tensorflow as tf

        monkeypatch.setattr(tf, "function", recording(tf.function))

    def count():
        return [times for times in traced if times]

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            compilations.append(count())

    fit(model, 5, [Count()])
    assert len(compilations) == 5
    assert compilations[0], "nothing was compiled"
    assert all(epoch == [1] * len(compilations[0]) for epoch in compilations)


def lowered_step(model):
    """The whole training step as StableHLO or HLO text."""
    x, labels = (values[:32] for values in samples())
    if BACKEND == "jax":
        import jax

        state = model._get_jax_state(
            trainable_variables=True,
            non_trainable_variables=True,
            optimizer_variables=True,
            metrics_variables=True,
        )
        return jax.jit(model.train_step).lower(state, (x, labels)).as_text()
    import tensorflow as tf

    step = tf.function(lambda x, y: model.train_step((x, y)), jit_compile=True)
    data = tf.constant(x), tf.constant(labels)
    return step.experimental_get_compiler_ir(*data)(stage="hlo")


@pytest.mark.parametrize("with_callback", [False, True])
def test_step_is_what_a_tpu_can_run(with_callback):
    model = classifier()
    fit(model, 1)  # builds all variables
    if with_callback:
        with model.loss.statistics.recording():
            text = lowered_step(model)
        assert re.search(r"5x4xf32|f32\[5,4\]", text)  # the totals are in the step
    else:
        model.loss.statistics = None
        text = lowered_step(model)
    # Static shapes: no dimension that is known only when it runs.
    assert not re.search(r"tensor<[^>]*\?|\[<=|dynamic_reshape|dynamic-reshape", text)
    assert not re.search(r"set-dimension-size|set_dimension_size", text)
    # Nothing leaves the device.
    host = r"callback|infeed|outfeed|send-done|stablehlo\.send|host_transfer|xla_python"
    assert not re.search(host, text)
    calls = re.findall(r"custom.call[^\n]*?target\S*\s*[\"@](\w+)", text)
    assert not calls, calls
