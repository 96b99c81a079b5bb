from keras_ccar.benchmark.report.measurements import measurement_rows


def test_few_rows_are_shown_as_they_are():
    rows = [
        {"backend": "jax", "images_per_second": 1520.4, "share": 0.0123, "gpu": None},
        {
            "backend": "tensorflow",
            "images_per_second": 1300,
            "share": 0.95,
            "gpu": None,
        },
    ]
    assert measurement_rows({"rows": rows}) == [
        ["backend", "images per second", "share"],
        ["jax", "1520.40", "0.0123"],
        ["tensorflow", "1300", "0.95"],
    ]


def test_many_rows_are_summed_up_by_their_texts():
    rows = [
        {"backend": backend, "loss": loss, "batch": batch, "ratio": ratio * batch}
        for backend, ratio in (("jax", 0.5), ("tensorflow", 0.75))
        for loss in ("a", "b")
        for batch in range(1, 9)
    ]
    assert measurement_rows({"rows": rows}) == [
        ["backend", "loss", "settings", "ratio"],
        ["jax", "a", "8", "0.50 to 4"],
        ["jax", "b", "8", "0.50 to 4"],
        ["tensorflow", "a", "8", "0.75 to 6"],
        ["tensorflow", "b", "8", "0.75 to 6"],
    ]


def test_rows_without_texts_are_all_shown():
    rows = [{"step": step, "seconds": step / 4} for step in range(30)]
    assert len(measurement_rows({"rows": rows})) == 31


def test_ways_of_the_same_work():
    seconds = {"one by one": [3.0, 2.5], "at once": [0.25, 0.2]}
    assert measurement_rows({"seconds": seconds}) == [
        ["way", "seconds, least", "seconds, greatest"],
        ["one by one", "2.50", "3"],
        ["at once", "0.20", "0.25"],
    ]
