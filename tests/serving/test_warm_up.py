"""Warm-up requests that fail, and those that are not written."""

import keras
import numpy as np
import pytest
from keras import ops
from served_models import (
    X,
    close,
    decoding,
    head,
    jpeg,
    needs_export,
    pixels,
    predicted,
    served,
    warm_up_inputs,
)

from keras_ccar.serving import export
from keras_ccar.serving.warm_up import check_warm_up, warm_up_requests


@keras.saving.register_keras_serializable("tests")
class Logarithm(keras.layers.Layer):
    """Refuses amounts that are not positive."""

    def call(self, amount):
        import tensorflow as tf

        with tf.control_dependencies([tf.debugging.assert_positive(amount)]):
            return tf.math.log(amount)


def amounts():
    amount = keras.Input((1,), name="amount")
    return keras.Model(
        amount, keras.layers.Dense(3, activation="softmax")(Logarithm()(amount))
    )


WAYS_OUT = "Pass `example=`.*or `warm_up=False`"
FAILING = {
    "bytes": (decoding, r"Sent: `image_bytes`: b''\. Cause: .*[Ii]nput is empty"),
    "positive": (
        amounts,
        r"Sent: `amount`: zeros of shape \(1, 1\)\. Cause: .*([Aa]ssert|Condition)",
    ),
    "sizes": (
        pixels,
        r"Sent: `image`: zeros of shape \(1, 32, 32, 3\), with 32 for the sizes that "
        r"it leaves free\. Cause: ",
    ),
}


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("case", FAILING)
def test_failing(case, tmp_path):
    build, message = FAILING[case]
    with pytest.raises(RuntimeError, match=f"{message}.*{WAYS_OUT}") as caught:
        export(build(), tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.parametrize("case", FAILING)
def test_both_ways_out(case, tmp_path):
    build, _ = FAILING[case]
    example = {
        "bytes": jpeg,
        "positive": lambda: [5.0],
        "sizes": lambda: np.ones((40, 50, 3), "float32"),
    }[case]()
    model = build()
    warm_up_inputs(export(model, tmp_path, example=example))
    folder = export(model, tmp_path, warm_up=False, version=2)
    assert not (folder / "assets.extra").exists()
    (name,) = (tensor.name for tensor in model.inputs)
    batch = [example]
    if not isinstance(example, bytes):
        batch = np.array(batch, "float32")
    expected = ops.convert_to_numpy(model(ops.convert_to_tensor(batch)))
    close(served(folder, **{name: batch})["probabilities"], expected)


@pytest.mark.tensorflow_only
def test_an_example_that_fails(tmp_path):
    with pytest.raises(RuntimeError, match=r"Sent: `amount`: \[\[-5.0\]\]\. Cause: "):
        export(amounts(), tmp_path, example=[-5.0])
    text = rf"Sent: `image_bytes`: b'{'no image at all .no '}' and 8 more bytes\. Cause"
    with pytest.raises(RuntimeError, match=text):
        export(decoding(), tmp_path, example=b"no image at all (no image)!!")
    message = r"Sent: `image`: float32 of shape \(1, 20, 48, 3\)\. Cause"
    with pytest.raises(RuntimeError, match=message):
        export(pixels(), tmp_path, example=np.ones((20, 48, 3)))
    assert not list(tmp_path.iterdir())


@needs_export
def test_without_warm_up(tmp_path):
    model = head(3, activation="softmax")
    folder = export(model, tmp_path, warm_up=False)
    assert not (folder / "assets.extra").exists()
    close(served(folder, x=X)["probabilities"], predicted(model))
    with pytest.raises(ValueError, match="`warm_up` must be True or False"):
        export(model, tmp_path, warm_up="no", version=2)


SPECS = {
    "x": keras.layers.InputSpec(dtype="float32", shape=(None, 3)),
    "text": keras.layers.InputSpec(dtype="string", shape=(None,)),
}


@pytest.mark.parametrize("error", [ValueError, AssertionError, TypeError, KeyError])
def test_every_error_has_the_same_message(error):
    def serve(request):
        raise error("amounts must be positive.\nSecond line")

    requests = warm_up_requests(SPECS, None)
    message = (
        r"`x`: zeros of shape \(1, 3\), `text`: b''\. Cause: .?amounts must be positive"
    )
    with pytest.raises(RuntimeError, match=f"{message}.*{WAYS_OUT}") as caught:
        check_warm_up(serve, requests, SPECS, has_example=False)
    assert isinstance(caught.value.__cause__, error)


def test_an_interrupt_is_none():
    def serve(request):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_warm_up(serve, warm_up_requests(SPECS, None), SPECS, has_example=False)


def test_an_error_in_the_second_request_shows_it():
    def serve(request):
        if len(request["x"]) == 8:
            raise ValueError

    requests = warm_up_requests(SPECS, None)
    message = (
        r"zeros of shape \(8, 3\), `text`: b'' of shape \(8,\)\. Cause: ValueError"
    )
    with pytest.raises(RuntimeError, match=message):
        check_warm_up(serve, requests, SPECS, has_example=False)
