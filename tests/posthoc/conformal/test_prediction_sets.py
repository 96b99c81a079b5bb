import math
import re
import warnings
from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.cluster import KMeans

from keras_ccar.layers import PredictionSet
from keras_ccar.posthoc.conformal import class_quantiles
from keras_ccar.posthoc.conformal.prediction_sets import prediction_sets

K = 20
COUNTS = np.geomspace(2000, 70, K).astype(int)
GROUPS = {"many": slice(0, 7), "medium": slice(7, 14), "few": slice(14, 20)}
METHODS = ("pooled", "class", "clustered", "marginal")


def softmax(z):
    exponentials = np.exp(z.astype("float64") - z.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def quantile(scores, coverage):
    """Of n scores the one at ceil((n + 1)(1 - α)), without rounding of floats."""
    place = math.ceil((len(scores) + 1) * Fraction(str(coverage)))
    return sorted(scores)[place - 1] if place <= len(scores) else math.inf


def gaussians(counts, rng):
    """What a model says that knows the long-tailed distribution."""
    centres = np.random.default_rng(1).normal(size=(K, 6)) * 1.3
    y = np.repeat(np.arange(K), counts)
    x = centres[y] + rng.normal(size=(len(y), 6))
    distances = ((x[:, None] - centres) ** 2).sum(-1)
    return np.log(COUNTS) - distances / 2, y


LOGITS, Y = gaussians(COUNTS, np.random.default_rng(2))
SCORES = 1 - softmax(LOGITS)[np.arange(len(Y)), Y]


@pytest.mark.parametrize("coverage", [0.5, 0.7, 0.9, 0.95, 0.55, 0.99])
def test_quantiles_of_all_and_of_each_class(coverage):
    sets = prediction_sets(LOGITS, Y, coverage=coverage, method="marginal")
    np.testing.assert_allclose(sets.quantiles, [quantile(SCORES, coverage)] * K)
    assert (sets.clusters == -1).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 70 are too few for 0.99
        sets = prediction_sets(LOGITS, Y, coverage=coverage, method="class")
    expected = [quantile(SCORES[label == Y], coverage) for label in range(K)]
    np.testing.assert_allclose(sets.quantiles, expected)
    assert np.isinf(sets.quantiles).any() == (coverage == 0.99)
    assert sets.clusters.tolist() == list(range(K))


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.55, 0.7, 0.8, 0.9, 0.95, 0.999])
def test_the_fewest_examples_of_a_finite_quantile(coverage):
    fewest = next(n for n in range(1, 2000) if quantile(range(n), coverage) < math.inf)
    assert class_quantiles.fewest_examples(coverage) == fewest
    for number in range(1, 60):
        scores = np.random.default_rng(number).permutation(number)
        found = class_quantiles.conformal_quantile(scores, coverage)
        assert found == quantile(scores, coverage)
    assert class_quantiles.conformal_quantile(np.array([]), coverage) == math.inf


def clustered_oracle(coverage, drawn, num_clusters, least, scores=SCORES, y=Y):
    """Ding et al. 2023, Sec. 2.2, by loops over the examples."""
    points, members = [], []
    for label in range(y.max() + 1):
        own = [s for s, c, d in zip(scores, y, drawn, strict=True) if c == label and d]
        if len(own) >= least:
            levels = [0.5, 0.6, 0.7, 0.8, 0.9, coverage]
            points.append([np.quantile(own, level) for level in levels])
            members.append((label, math.sqrt(len(own))))
    weights = [weight for _, weight in members]
    fit = KMeans(num_clusters, n_init=10, random_state=0).fit(
        np.array(points), sample_weight=np.array(weights)
    )
    groups = {label: c for (label, _), c in zip(members, fit.labels_, strict=True)}
    found = []
    for label in range(y.max() + 1):
        pool = [
            s
            for s, c, d in zip(scores, y, drawn, strict=True)
            if groups.get(label) is None or (groups.get(c) == groups[label] and not d)
        ]
        found.append(quantile(pool, coverage))
    return found, [groups.get(label, -1) for label in range(y.max() + 1)]


def first_of_each_class(labels, parts, seed):
    places = np.zeros(len(labels), int)
    for label in range(len(parts)):
        places[labels == label] = np.arange((labels == label).sum())
    return places < np.asarray(parts)[labels]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize("num_clusters", [None, 3])
def test_quantiles_of_clusters(monkeypatch, coverage, num_clusters):
    monkeypatch.setattr(class_quantiles, "_draw", first_of_each_class)
    sets = prediction_sets(
        LOGITS,
        Y,
        coverage=coverage,
        method="clustered",
        num_clusters=num_clusters,
    )
    # K / (K + 75) of each class are for the clustering.
    parts = [int(n * Fraction(20, 95)) for n in COUNTS]
    drawn = first_of_each_class(Y, parts, 0)
    # Half the examples of the smallest class, floor(70 * 20 / 95) = 14.
    expected, clusters = clustered_oracle(
        coverage, drawn, num_clusters or 7, 4 if coverage == 0.8 else 9
    )
    assert sets.clusters.tolist() == clusters
    np.testing.assert_allclose(sets.quantiles, expected)


def test_classes_with_few_examples_take_the_quantile_of_all(monkeypatch):
    monkeypatch.setattr(class_quantiles, "_draw", first_of_each_class)
    counts = np.where(np.arange(K) < 15, COUNTS, [*[0] * 15, 30, 12, 5, 1, 0])
    kept = np.concatenate([np.flatnonzero(k == Y)[: counts[k]] for k in range(K)])
    message = r"5 of 20 classes have fewer than 49 calib.*each.*classes 15, 16, 17, 18"
    with pytest.warns(UserWarning, match=message) as record:
        sets = prediction_sets(LOGITS[kept], Y[kept], method="clustered")
    ours = [warning for warning in record if warning.category is UserWarning]
    assert [warning.filename for warning in ours] == [__file__]
    # 17 classes have 9 examples.
    parts = [int(n * Fraction(17, 92)) for n in counts]
    drawn = first_of_each_class(Y[kept], parts, 0)
    y, scores = Y[kept], SCORES[kept]
    smallest = min(part for part in parts if part >= 9)
    expected, clusters = clustered_oracle(0.9, drawn, smallest // 2, 9, scores, y)
    assert sets.clusters.tolist() == [*clusters, -1]
    np.testing.assert_allclose(sets.quantiles[:19], expected)
    np.testing.assert_allclose(sets.quantiles[15:], quantile(scores, 0.9))
    assert (sets.clusters[:15] >= 0).all()
    assert sets.curve["cluster"].tolist()[15:] == ["marginal"] * 5
    assert "5 classes with the quantile of all" in sets.describe()


def pools_oracle(counts, enough, fewest):
    """Which classes share a quantile, from the rarest on."""
    order = sorted(range(len(counts)), key=lambda k: (counts[k], k))
    pools, pool = [], []
    for label in order:
        if counts[label] >= enough:
            break
        pool.append(label)
        if sum(counts[k] for k in pool) >= enough:
            pools.append(pool)
            pool = []
    if pool and pools and sum(counts[k] for k in pool) < fewest:
        pools[-1] += pool
    elif pool:
        pools.append(pool)
    pooled = {k for of in pools for k in of}
    return pools + [[k] for k in range(len(counts)) if k not in pooled]


def ranks_oracle(sizes, coverage, offset):
    """Ranks whose sums, group by group, are the exact ones rounded by one offset."""
    ranks, total, spent = [], Fraction(0), 0
    for size in sizes:
        exact = (size + 1) * Fraction(str(coverage))
        total += exact
        rank = math.floor(total + Fraction(offset)) - spent
        spent += rank
        # Too few have none, as where ranks are rounded up.
        ranks.append(size + 1 if math.ceil(exact) > size else max(rank, 1))
    return ranks


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.7, 0.9, 0.95])
def test_ranks_are_exact_on_average(coverage):
    sizes = np.random.default_rng(0).integers(0, 60, size=40)
    offsets = (np.arange(1000) + 0.5) / 1000
    found = np.stack(
        [class_quantiles.exact_ranks(sizes, coverage, offset) for offset in offsets]
    )
    for offset, ranks in zip(offsets[::97], found[::97], strict=True):
        assert ranks.tolist() == ranks_oracle(sizes.tolist(), coverage, offset)
    exact = (sizes + 1) * coverage
    usual = (np.ceil(exact - 1e-9) <= sizes) & (exact >= 1)
    np.testing.assert_allclose(found.mean(axis=0)[usual], exact[usual], atol=2e-3)
    # Rounded to one of the two whole numbers beside it, and made up for in the next.
    assert (np.abs(found - exact)[:, usual] < 1).all()
    if usual.all():
        assert (np.abs(found.cumsum(axis=1) - exact.cumsum()) <= 1).all()


@pytest.mark.slow
def test_rounding_up_covers_more_than_was_asked_for():
    """Of 27 examples 26 / 28 = 92.9 % are covered where ranks are rounded up."""
    rng = np.random.default_rng(0)
    repetitions, num_classes, size = 400, 10, 27
    y = np.repeat(np.arange(num_classes), size)
    missed = {"pooled": [], "class": []}
    for repetition in range(repetitions):
        # The probability of the right class, and so the score, is uniform.
        right = rng.random(len(y))
        others = np.repeat((1 - right[:, None]) / (num_classes - 1), num_classes, 1)
        p = np.where(np.eye(num_classes, dtype=bool)[y], right[:, None], others)
        for method, found in missed.items():
            sets = prediction_sets(
                p, y, method=method, from_logits=False, seed=repetition
            )
            found.append(1 - sets.quantiles.mean())
    # Each quantile is Beta-distributed; its spread, and that of the rounding.
    sd = math.sqrt((0.09 / (size + 2) + 0.25 / 28**2) / (repetitions * num_classes))
    assert abs(np.mean(missed["pooled"]) - 0.1) < 4 * sd
    assert abs(np.mean(missed["class"]) - 2 / 28) < 4 * sd
    assert 4 * sd < (0.1 - 2 / 28) / 4


@pytest.mark.parametrize(
    "counts",
    [
        [2000, 300, 40, 18, 7, 6, 5, 4, 3, 2, 1, 0],
        [500, 11],
        [18, 9, 8, 2],
        [100, 3],
        [300, 200],
    ],
)
@pytest.mark.parametrize("seed", [0, 3])
def test_classes_that_are_as_rare_share_a_quantile(counts, seed):
    rng = np.random.default_rng(5)
    y = np.repeat(np.arange(len(counts)), counts)
    logits = rng.normal(size=(len(y), len(counts))) + np.eye(len(counts))[y]
    scores = 1 - softmax(logits)[np.arange(len(y)), y]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sets = prediction_sets(logits, y, coverage=0.9, seed=seed)
    # In the order of the first class of each.
    pools = sorted(pools_oracle(counts, 19, 9), key=min)
    sizes = [sum(counts[k] for k in pool) for pool in pools]
    offset = np.random.default_rng(seed).random()
    infinite = 0
    for pool, rank in zip(pools, ranks_oracle(sizes, 0.9, offset), strict=True):
        inside = sorted(scores[np.isin(y, pool)])
        expected = inside[rank - 1] if rank <= len(inside) else math.inf
        infinite += np.isinf(expected)
        np.testing.assert_allclose(sets.quantiles[pool], expected)
        assert len(set(sets.clusters[pool])) == 1
    told = [warning for warning in caught if "every set" in str(warning.message)]
    assert bool(told) == bool(infinite)


def test_the_examples_for_the_clustering():
    parts = COUNTS // 3
    drawn = [class_quantiles._draw(Y, parts, seed) for seed in (0, 0, 1)]
    assert np.bincount(Y[drawn[0]], minlength=K).tolist() == parts.tolist()
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    same = [
        prediction_sets(LOGITS, Y, method="clustered", seed=3).quantiles
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*same)


def test_never_more_clusters_than_classes_that_differ():
    y = np.repeat([0, 1, 2], 500)
    logits = np.random.default_rng(0).normal(size=(1500, 3)) + np.eye(3)[y]
    sets = prediction_sets(logits, y, method="clustered", num_clusters=50)
    assert sorted(sets.clusters) == [0, 1, 2]
    certain = np.eye(3)[y] * 50  # all scores are equal
    sets = prediction_sets(certain, y, method="clustered")
    assert sets.clusters.tolist() == [0, 0, 0]


@pytest.mark.parametrize("given", [None, 30])
def test_classes_with_few_examples_are_in_every_set(given):
    counts = [300, 40, 20, 8, 0]
    y = np.repeat(np.arange(5), counts)
    logits = np.random.default_rng(0).normal(size=(368, 5)) + 2 * np.eye(5)[y]
    few, least = (2, 9) if given is None else (3, 30)
    with pytest.warns(UserWarning, match=f"{few} of 5 .*than {least} .*in every set"):
        sets = prediction_sets(logits, y, method="class", min_examples=given)
    always = np.arange(5) >= 5 - few
    assert np.isinf(sets.quantiles).tolist() == always.tolist()
    mask = ops.convert_to_numpy(sets.layer(ops.convert_to_tensor(logits)))
    assert mask[:, always].all()
    assert f"{few} classes in every set" in sets.describe()
    scores = 1 - softmax(logits)[np.arange(368), y]
    np.testing.assert_allclose(sets.quantiles[1], quantile(scores[y == 1], 0.9))
    # Fewer than have a finite quantile change nothing.
    with pytest.warns(UserWarning, match="than 9"):
        prediction_sets(logits, y, method="class", min_examples=1)


def test_pooled_classes_with_few_examples_are_named():
    y = np.repeat(np.arange(5), [300, 40, 12, 12, 0])
    logits = np.random.default_rng(0).normal(size=(364, 5)) + 2 * np.eye(5)[y]
    message = r"has under 5 examples of class 4\. They share a quantile"
    with pytest.warns(UserWarning, match=message) as record:
        prediction_sets(logits, y)
    ours = [warning for warning in record if warning.category is UserWarning]
    assert [warning.filename for warning in ours] == [__file__]
    y = np.repeat(np.arange(5), [299, 40, 15, 5, 5])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        prediction_sets(logits, y)


def test_coverage_of_shot_groups():
    sets = prediction_sets(LOGITS, Y, COUNTS * 10)
    result = sets.evaluate(LOGITS[::7], Y[::7], groups=(5000, 1000))
    examples = COUNTS * 10
    names = np.where(examples > 5000, "many", "medium")
    names = np.where(examples < 1000, "few", names)
    assert result["shot_group"].tolist() == names.tolist()
    means = result.groupby("shot_group")["coverage"].mean()
    for name in ("many", "medium", "few"):
        assert means[name] == pytest.approx(result["coverage"][names == name].mean())
    assert set(sets.evaluate(LOGITS, Y)["shot_group"]) == {"many"}
    terciles = sets.evaluate(LOGITS, Y, groups="terciles")["shot_group"]
    assert terciles[0] == "many"
    # Shares do not tell, except where terciles are asked for.
    shares = prediction_sets(LOGITS, Y, COUNTS / COUNTS.sum())
    assert "shot_group" not in shares.evaluate(LOGITS, Y)
    assert "shot_group" in shares.evaluate(LOGITS, Y, groups="terciles")
    with pytest.raises(ValueError, match=r"`groups` must be"):
        prediction_sets(LOGITS, Y).evaluate(LOGITS, Y, groups="halves")


def test_one_quantile_needs_examples_too():
    with pytest.warns(UserWarning, match="3 of 3 .* 9 calibration examples in all"):
        sets = prediction_sets(
            np.eye(3)[[0, 1, 2, 1]] * 3, [0, 1, 2, 1], method="marginal"
        )
    assert np.isinf(sets.quantiles).all()
    assert "quantiles from" not in sets.describe()


@pytest.mark.slow
def test_coverage_of_the_methods():
    """Averages of repetitions: within 2 points by group, and for each class."""
    coverage = {method: [] for method in METHODS}
    repetitions, num_tested = 12, 400
    for repetition in range(repetitions):
        rng = np.random.default_rng(100 + repetition)
        logits, y = gaussians(COUNTS, rng)
        new_logits, new_y = gaussians([num_tested] * K, rng)
        for method in METHODS:
            sets = prediction_sets(logits, y, method=method, seed=repetition)
            result = sets.evaluate(new_logits, new_y)
            assert (result["examples"] == num_tested).all()
            coverage[method].append(result["coverage"])
    mean = {method: np.mean(rows, axis=0) for method, rows in coverage.items()}
    for group, members in GROUPS.items():
        assert abs(mean["class"][members].mean() - 0.9) < 0.02
        # In a cluster the classes with the most examples decide.
        slack = 0.05 if group == "few" else 0.02
        assert abs(mean["clustered"][members].mean() - 0.9) < slack
    # Calibration and test are both samples.
    sd = np.sqrt(0.09 / COUNTS + 0.09 / num_tested) / math.sqrt(repetitions)
    assert (mean["class"] > 0.9 - 3 * sd).all()
    assert mean["marginal"][GROUPS["few"]].mean() < 0.7
    assert np.average(mean["marginal"], weights=COUNTS) == pytest.approx(0.9, abs=0.02)
    assert mean["marginal"].min() < 0.5 < 0.8 < mean["clustered"].min()


def test_coverage_of_a_long_tail_with_a_handful_of_examples():
    """Groups of rare classes are covered as asked for, within 2 points."""
    counts = np.geomspace(300, 2, K).astype(int)
    coverage = []
    for repetition in range(60):
        rng = np.random.default_rng(300 + repetition)
        logits, y = gaussians(counts, rng)
        new_logits, new_y = gaussians([200] * K, rng)
        with pytest.warns(UserWarning, match="under 5 examples of classes 16, 17, 18"):
            sets = prediction_sets(logits, y)
        coverage.append(sets.evaluate(new_logits, new_y)["coverage"])
    mean = np.mean(coverage, axis=0)
    for members in GROUPS.values():
        assert abs(mean[members].mean() - 0.9) < 0.02
    # Rounding up would add a point.
    assert abs(mean.mean() - 0.9) < 0.006


def test_coverage_of_clusters_with_many_examples():
    coverage = []
    for repetition in range(4):
        rng = np.random.default_rng(repetition)
        logits, y = gaussians(COUNTS * 5, rng)
        sets = prediction_sets(logits, y, method="clustered")
        result = sets.evaluate(*gaussians([400] * K, rng))
        coverage.append(result["coverage"])
    for members in GROUPS.values():
        assert abs(np.mean(coverage, axis=0)[members].mean() - 0.9) < 0.02


def test_measures_the_sets():
    sets = prediction_sets(LOGITS, Y, method="class")
    logits, y = LOGITS[::7], np.where(Y[::7] == 4, 5, Y[::7])
    result = sets.evaluate(logits, y)
    assert list(result) == ["class", "examples", "coverage", "mean_set_size"]
    is_in = 1 - softmax(logits) <= sets.quantiles
    for label in range(K):
        own = y == label
        assert result["examples"][label] == own.sum()
        row = result.loc[label, ["coverage", "mean_set_size"]].tolist()
        if label == 4:
            assert np.isnan(row).all()
        else:
            expected = [is_in[own, label].mean(), is_in[own].sum(axis=1).mean()]
            np.testing.assert_allclose(row, expected)
    with pytest.raises(ValueError, match=r"`model` must predict the 20 classes.*3 col"):
        sets.evaluate(logits[:, :3], y % 3)
    # What it was calibrated on, ties and rounding included.
    np.testing.assert_array_less(0.8999, sets.evaluate(LOGITS, Y)["coverage"])


@pytest.mark.parametrize("is_logits", [True, False])
def test_with_a_model(tmp_path, is_logits):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [400, 100, 30])
    x = (np.eye(3)[y] + rng.normal(size=(530, 3))).astype("float32")
    activation = None if is_logits else "softmax"
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, activation=activation)]
    )
    p = model.predict(x, verbose=0)
    p = softmax(p) if is_logits else p.astype("float64")
    p = p / p.sum(axis=1, keepdims=True)
    order = rng.permutation(530)
    for data in ((x, y), (x[order], np.eye(3)[y[order]])):
        sets = prediction_sets(model, data, [4000, 1000, 300], method="class")
        scores = 1 - p[np.arange(530), y]
        expected = [quantile(scores[y == label], 0.9) for label in range(3)]
        np.testing.assert_allclose(sets.quantiles, expected, rtol=1e-5)
    assert sets.curve["training_examples"].tolist() == [4000, 1000, 300]
    assert sets.layer.from_logits is is_logits
    whole = keras.Sequential([model, sets.layer])
    mask = whole.predict(x, verbose=0)
    # Float32 includes the examples whose scores are the quantiles.
    for label in range(3):
        own = mask[y == label, label]
        assert own.sum() >= math.ceil((len(own) + 1) * 0.9)
    np.testing.assert_allclose(
        sets.evaluate(model, (x, y), batch_size=50)["coverage"],
        [mask[y == label, label].mean() for label in range(3)],
    )
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.predict(x, verbose=0), mask)
    with pytest.raises(
        ValueError, match=r"`calibration` must hold no example.*`train`"
    ):
        prediction_sets(model, (x, y), train=(x[:5], y[:5]), method="class")


def test_probabilities_and_segmentation():
    p = softmax(LOGITS)
    for method in METHODS:
        sets = prediction_sets(p, Y, method=method, from_logits=False)
        expected = prediction_sets(LOGITS, Y, method=method)
        np.testing.assert_allclose(sets.quantiles, expected.quantiles, rtol=1e-9)
        assert isinstance(sets.layer, PredictionSet)
        assert sets.layer.from_logits is False
    half = len(Y) // 4 * 4
    maps, labels = LOGITS[:half].reshape(-1, 2, 2, K), Y[:half].reshape(-1, 2, 2).copy()
    labels[0, 0, 0] = 255
    sets = prediction_sets(maps, labels, method="marginal", ignore_class=255)
    np.testing.assert_allclose(sets.quantiles[0], quantile(SCORES[1:half], 0.9))
    assert sets.evaluate(maps, labels, ignore_class=255)["examples"].sum() == half - 1


@pytest.mark.parametrize("method", METHODS)
def test_text_table_and_picture(method):
    sets = prediction_sets(LOGITS, Y, COUNTS * 10, method=method, coverage=0.8)
    assert (sets.method, sets.coverage) == (method, 0.8)
    columns = ["class", "calibration_examples", "cluster", "quantile"]
    assert list(sets.curve) == [*columns, "training_examples"]
    assert list(prediction_sets(LOGITS, Y, method=method).curve) == columns
    assert sets.curve["calibration_examples"].tolist() == COUNTS.tolist()
    np.testing.assert_array_equal(sets.curve["quantile"], sets.quantiles)
    names = {"class": [None] * K, "marginal": ["marginal"] * K}
    assert sets.curve["cluster"].tolist() == names.get(method, sets.clusters.tolist())
    text = {
        "class": "a quantile of each class, quantiles from",
        "marginal": "one quantile for all classes, quantiles from",
        "pooled": "a quantile of each class, shared by the rarest, quantiles from",
        "clustered": "7 clusters of classes, quantiles from",
    }
    assert f"sets for coverage 0.8, {text[method]}" in repr(sets)
    assert "<img" in sets._repr_html_()
    axes = sets.figure().axes[0]
    drawn = axes.collections[0].get_offsets()
    np.testing.assert_allclose(drawn, np.stack([COUNTS, sets.quantiles], axis=1))


def test_draws_classes_that_are_in_every_set():
    with pytest.warns(UserWarning, match="1 of 2 .*: class 1"):
        sets = prediction_sets(np.ones((12, 2)) * 2, [0] * 10 + [1] * 2, method="class")
    axes = sets.figure().axes[0]
    assert axes.collections[1].get_offsets().tolist() == [[2, 1]]
    assert axes.get_legend().get_texts()[0].get_text() == "in every set"
    assert "; 1 class in every set" in sets.describe()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"coverage": 0}, r"`coverage` must be a finite number in \(0, 1\)"),
        ({"coverage": 1.0}, r"`coverage` must be a finite number in \(0, 1\)"),
        ({"coverage": "0.9"}, "`coverage` must be"),
        ({"method": "mondrian"}, "`method` must be one of 'pooled', 'class'"),
        ({"num_clusters": 0}, "`num_clusters` must be a whole number >= 1"),
        ({"num_clusters": 3, "method": "class"}, "`num_clusters` must be None unless"),
        ({"min_examples": 0}, "`min_examples` must be a whole number >= 1"),
        ({"seed": -1}, "`seed` must be a whole number"),
        ({"seed": 2**32}, "`seed` must be a whole number"),
        ({"from_logits": "auto"}, "`from_logits` must be True or False"),
        ({"from_logits": False}, "`model` must hold probabilities"),
        ({"ignore_class": 0.5}, "`ignore_class` must be"),
        ({"class_counts": [3, 4]}, "`class_counts` must have one entry .*2 for 20"),
        ({"class_counts": [[3, 4]] * K}, "`class_counts` must be counts of classes"),
        ({"class_counts": "many"}, "`class_counts` must be"),
        ({"model": LOGITS[:0], "calibration": Y[:0]}, "`calibration` must hold examp"),
        ({"model": LOGITS[:, :1]}, "`model` must predict classes that exclude"),
        ({"model": LOGITS * np.nan}, "The predictions of `model` must be finite"),
        ({"model": None}, "`model` must be a keras.Model, or an array"),
        ({"calibration": Y + 1}, "`calibration` must have labels from 0 to 19"),
        ({"calibration": None}, "`calibration` must be data with labels"),
        ({"calibration": Y * 0 + 7, "ignore_class": 7}, "must hold examples that coun"),
        ({"train": (LOGITS, Y)}, "`train` must be None where `model` is an array"),
    ],
)
def test_bad_arguments(arguments, message):
    calibration = Y % 2 if "[:, :1]" in str(arguments) else Y
    if np.shape(arguments.get("model")) == (len(Y), 1):
        calibration = Y % 2
    given = {"model": LOGITS, "calibration": calibration, **arguments}
    with pytest.raises(ValueError, match=message):
        prediction_sets(**given)


def test_a_sigmoid_is_refused():
    x = np.ones((4, 8), "float32")
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="sigmoid")]
    )
    with pytest.raises(ValueError, match="`model` must predict classes that exclude"):
        prediction_sets(model, (x, np.ones((4, 3))))
    with pytest.raises(ValueError, match="`model` must predict classes that exclude"):
        prediction_sets(model, (x, np.ones((4, 3))), [3, 4, 5])


@pytest.mark.parametrize("unknown", [None, -1, np.nan])
@pytest.mark.parametrize("counts", [None, [[300, 300]] * 3, [300, 300, 300]])
@pytest.mark.parametrize("is_model", [True, False])
def test_errors_lead_to_the_sets_of_each_label(unknown, counts, is_model):
    rng = np.random.default_rng(0)
    p = rng.random((600, 3))
    y = (rng.random((600, 3)) < p).astype(float)
    if unknown is not None:
        y[:20, 1] = unknown
    if not is_model and np.ndim(counts) == 1:
        pytest.skip("such counts say that an array has classes")
    model, data = p, y
    if is_model:
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Activation("sigmoid")]
        )
        data = (np.log(p / (1 - p)), y)
    told = {"from_logits": None if is_model else False}
    with pytest.raises(ValueError, match="Find the sets of each label alone") as error:
        prediction_sets(model, data, counts, **told)
    known, sets = re.findall(r"`((?:known =|prediction_sets).*?)`", str(error.value))
    names = {"numpy": np, "prediction_sets": prediction_sets, "p": p, "y": y, "k": 1}
    exec(known, names)
    found = eval(sets, names)
    assert len(found.quantiles) == 2
    with pytest.raises(ValueError, match="Find the sets of each label alone"):
        found.evaluate(model, data, **told)


def test_errors_about_labels_keep_what_was_asked_for():
    rng = np.random.default_rng(0)
    p = rng.random((600, 3))
    y = (rng.random((600, 3)) < p).astype(float)
    asked = {"coverage": 0.8, "method": "clustered", "num_clusters": 1, "seed": 3}
    for more in (asked, {"coverage": 0.7, "method": "class", "min_examples": 20}):
        with pytest.raises(ValueError, match="Find the sets of each") as error:
            prediction_sets(p, y, [[300, 300]] * 3, from_logits=False, **more)
        sets = re.findall(r"`(prediction_sets.*?)`", str(error.value))[0]
        for name, value in more.items():
            assert f"{name}={value!r}" in sets
        known = np.ones(600, bool)
        names = {"numpy": np, "prediction_sets": prediction_sets, "p": p, "y": y}
        found = eval(sets, {**names, "k": 1, "known": known})
        assert found.coverage == more["coverage"]
        with pytest.raises(ValueError, match=f"coverage={more['coverage']}, method="):
            found.evaluate(p, y, from_logits=False)
