import re
import warnings

import keras
import numpy as np
import pytest
from keras import ops
from served_models import X, close, needs_export, predicted, served

from keras_ccar.serving import export
from keras_ccar.serving.input_names import valid_input_names

QUIET = {
    ("x",): ["x"],
    (None,): ["inputs"],
    ("keras_tensor_4",): ["inputs"],
    (None, "keras_tensor"): ["input_0", "input_1"],
    ("a-b", "left"): ["a_b", "left"],
    ("input_1", None): ["input_1", "input_1_1"],
}
RENAMED = {
    ("bild größe",): ["bild_gr__e"],
    ("图像",): ["inputs"],
    ("图像", "标签"): ["input_0", "input_1"],
    ("a-b", "a_b"): ["a_b_1", "a_b"],
    ("a b", "a-b", "a_b_1"): ["a_b", "a_b_2", "a_b_1"],
    ("x", "x"): ["x", "x_1"],
    ("2nd", "_x"): ["input_2nd", "input_x"],
}


@pytest.mark.parametrize("own", QUIET)
def test_names_that_tell_what_they_become(own):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert valid_input_names(own) == QUIET[own]


@pytest.mark.parametrize("own", RENAMED)
def test_other_names_are_valid_distinct_and_told(own):
    with pytest.warns(UserWarning, match="clients must use other names") as warned:
        names = valid_input_names(own)
    assert names == RENAMED[own]
    assert len(set(names)) == len(names)
    for before, after in zip(own, names, strict=True):
        assert re.fullmatch("[A-Za-z][A-Za-z0-9_]*", after)
        if after != re.sub(r"\W", "_", before):
            assert f"{before!r} is {after!r}" in str(warned[0].message)


@needs_export
def test_a_model_with_such_names_is_served(tmp_path):
    inputs = [keras.Input((8,), name=name) for name in ("bild größe", "a b", "a_b")]
    first, second, third = inputs
    outputs = keras.layers.Dense(3, activation="softmax")(first - 2 * second + third**2)
    model = keras.Model(inputs, outputs)
    example = {"bild größe": X, "a b": X + 1, "a_b": X + 2}
    with pytest.warns(UserWarning, match="'a b' is 'a_b_1'") as warned:
        folder = export(model, tmp_path, example=example)
    assert warned[0].filename == __file__
    answer = served(folder, bild_gr__e=X, a_b_1=X + 1, a_b=X + 2)
    arguments = [ops.convert_to_tensor(value) for value in example.values()]
    close(answer["probabilities"], predicted(model, arguments))
    assert np.ptp(answer["probabilities"]) > 0.01
