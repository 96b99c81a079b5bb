"""`label_of` balances by one of several labels; the example comes out as it went in."""

import numpy as np
import pytest

from keras_ccar.datasets import class_balanced, count_classes

tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
DEFECT = (np.arange(200) % 20 == 0).astype("int64")
KIND = RNG.integers(0, 3, 200)
X = np.arange(200.0)
BOTH = {"defect": DEFECT, "kind": KIND}
COUNTS = np.bincount(DEFECT)


def defect(x, y):
    return y["defect"]


@pytest.mark.slow
def test_a_stream_of_several_outputs():
    dataset = tf.data.Dataset.from_tensor_slices((X, BOTH))
    with pytest.raises(ValueError, match="`label_of=lambda x, y: y") as error:
        class_balanced(dataset, COUNTS)
    advised = eval(str(error.value).split("`label_of=")[-1].split("`")[0])
    for label_of in (defect, advised):
        counts = count_classes(dataset, label_of=label_of)
        assert counts.tolist() == COUNTS.tolist()
        stream = class_balanced(dataset, counts, label_of=label_of)
        assert stream.element_spec == dataset.element_spec
        elements = list(stream.as_numpy_iterator())
        assert np.bincount([y["defect"] for _, y in elements]).tolist() == [100, 100]
        for x, y in elements:
            assert (y["defect"], y["kind"]) == (DEFECT[int(x)], KIND[int(x)])


def second(_, element):
    return element


@pytest.mark.parametrize(
    ("element", "label_of"),
    [
        ((X, (DEFECT, KIND)), lambda x, y: y[0]),
        ((X, DEFECT, KIND, X), lambda x, a, b, weight: a),
        ({"x": X, **BOTH}, lambda d: d["defect"]),
        (({"x": X}, BOTH), defect),
        (DEFECT, lambda y: y),
        ((DEFECT,), lambda y: y),
        ((X, BOTH), lambda x, y: tf.one_hot(y["defect"], 2)),
        ((X, BOTH), lambda x, y: y["defect"] == 1),
        ((X, BOTH), lambda x, y: tf.cast(y["defect"], "float32")[None]),
        ((tf.ragged.range(DEFECT + 1), BOTH), defect),
        ((tf.sparse.from_dense(np.eye(200)), BOTH), defect),
        ((X.astype(str), BOTH), defect),
    ],
)
def test_any_structure_comes_out_as_it_went_in(element, label_of):
    dataset = tf.data.Dataset.from_tensor_slices(element)
    stream = class_balanced(dataset, COUNTS, label_of=label_of)
    # Any function of a stream makes ragged rows of one dimension tensors.
    assert stream.element_spec == dataset.enumerate().map(second).element_spec
    labels = list(stream.map(label_of).as_numpy_iterator())
    is_rare = [
        int(np.argmax(y)) if np.size(y) > 1 else int(np.squeeze(y)) for y in labels
    ]
    assert np.bincount(is_rare).tolist() == [100, 100]


def test_by_whether_a_mask_holds_the_rare_class():
    masks = np.zeros((40, 8, 8), "int64")
    masks[::10, 3, 4] = 1
    images = np.arange(40.0)[:, None, None, None] * np.ones((8, 8, 1))
    dataset = tf.data.Dataset.from_tensor_slices((images, masks))
    with pytest.raises(ValueError, match=r"shape \(8, 8\): pass `label_of=`") as error:
        class_balanced(dataset, [36, 4])
    assert "batch()" not in str(error.value)
    advised = eval(str(error.value).split("`label_of=")[-1].split("`")[0], {"tf": tf})
    counts = count_classes(dataset, label_of=advised)
    assert counts.tolist() == [36, 4]
    stream = class_balanced(dataset, counts, label_of=advised)
    drawn = [(x, y) for x, y in stream.as_numpy_iterator()]
    assert sum(y.any() for _, y in drawn) == 20
    assert all(y.any() == (x[0, 0, 0] % 10 == 0) for x, y in drawn)
    batches = dataset.batch(5)
    with pytest.raises(ValueError, match=r"sample before `batch\(\)`; otherwise pass"):
        class_balanced(batches, [36, 4])


def test_a_stream_shorter_than_counted_names_the_function():
    dataset = tf.data.Dataset.from_tensor_slices((X, BOTH)).take(100)
    stream = class_balanced(dataset, COUNTS, label_of=defect)
    with pytest.raises(tf.errors.InvalidArgumentError, match="fewer") as error:
        list(stream)
    call = str(error.value).split("count it with `")[1].split("`")[0]
    variables = {"count_classes": count_classes, "dataset": dataset, "label_of": defect}
    counts = eval(call, variables)
    assert counts.tolist() == np.bincount(DEFECT[:100]).tolist()
    assert len(list(class_balanced(dataset, counts, label_of=defect))) == 100


def test_arrays_and_torch_data_sets():
    x, y = class_balanced((X, BOTH), COUNTS, label_of=defect)
    assert np.bincount(y["defect"]).tolist() == [100, 100]
    assert (y["kind"] == KIND[x.astype(int)]).all()

    class Dicts(torch.utils.data.Dataset):
        def __len__(self):
            return 200

        def __getitem__(self, i):
            return {"x": X[i], "y": {key: part[i] for key, part in BOTH.items()}}

    drawn = class_balanced(Dicts(), COUNTS, label_of=lambda d: d["y"]["defect"])
    elements = [drawn[i] for i in range(len(drawn))]
    assert sum(element["y"]["defect"] for element in elements) == 100
    assert all(e["y"]["kind"] == KIND[int(e["x"])] for e in elements)


def test_masks_in_arrays():
    masks = np.zeros((40, 8, 8), "int64")
    masks[::10, 3, 4] = 1
    with pytest.raises(ValueError, match=r"labels of shape \(8, 8\): pass `label_of=`"):
        class_balanced((np.zeros((40, 8, 8, 1)), masks), [36, 4])
    drawn_x, drawn_y = class_balanced(
        (np.arange(40), masks), [36, 4], label_of=lambda x, y: (y == 1).any()
    )
    assert drawn_y.any((1, 2)).sum() == 20
    assert (drawn_y == masks[drawn_x]).all()
