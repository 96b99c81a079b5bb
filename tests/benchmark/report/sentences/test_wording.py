from keras_ccar.benchmark.report.sentences.wording import shorten_error


def test_an_error_is_one_line_that_says_where_the_rest_is():
    assert (
        shorten_error("ValueError: too  long\nby far") == "ValueError: too long by far"
    )
    error = "InvalidArgumentError: Graph execution error:\n\n" + "0 255 1 " * 900
    shown = shorten_error(error)
    assert len(shown) <= 400
    assert shown.startswith("InvalidArgumentError: Graph execution error: 0 255 1")
    assert shown.endswith("(the rest is in results.json)")
