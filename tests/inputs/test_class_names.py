import numpy as np
import pytest

from keras_ccar.inputs.class_names import check_class_names


def test_texts_and_numbers_are_names():
    assert check_class_names(np.array(["cat", "owl"])) == ["cat", "owl"]
    assert check_class_names([7, "owl", np.float32(0.5)]) == ["7", "owl", "0.5"]


@pytest.mark.parametrize(
    "names", ["cat", b"cat", {"cat": 0}, {"cat"}, 3, [], np.array(3), int]
)
def test_what_is_no_sequence(names):
    with pytest.raises(ValueError, match="`class_names` must be a sequence"):
        check_class_names(names)


@pytest.mark.parametrize("name", [None, b"cat", float("nan"), ["cat"], object()])
def test_advice_for_other_names_can_be_followed(name):
    with pytest.raises(ValueError, match=r"\[str\(name\) for name in names\]"):
        check_class_names(["owl", name])
    names = [str(name) for name in ["owl", name]]
    assert check_class_names(names) == names


def test_repeated_names():
    with pytest.raises(ValueError, match=r"different names.* 'cat'"):
        check_class_names(["cat", "owl", "cat"])
