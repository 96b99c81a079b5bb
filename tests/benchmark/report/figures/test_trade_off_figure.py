"""Rare against frequent classes, and which points a line joins."""

from made_results import made_results, made_with_many_methods

from keras_ccar.benchmark.report.figures.trade_off_figure import (
    _curves,
    _points,
    trade_off,
)


def curves_of(*names):
    made = made_results({name: [50, 51] for name in names})
    return _curves(made, _points(made))


def test_points_are_means_of_frequent_and_rare_classes():
    made = made_results({"ce": [50, 52], "ccar": [40, None], "la": [None, None]})
    # The made results have 20 points more for frequent classes, 20 less for rare ones.
    assert _points(made) == {"ce": (71.0, 31.0), "ccar": (60.0, 20.0)}


def test_lines_go_along_tau_and_begin_at_zero():
    assert curves_of("ce", "la", "la[tau=0.5]", "la[tau=2]", "ccar") == [
        ["ce", "la[tau=0.5]", "la", "la[tau=2]"]
    ]
    assert curves_of("ccar", "ccar+la", "la") == [["ccar", "ccar+la"]]
    assert curves_of(
        "ccar[normalize]", "ccar+la[normalize,tau=2]", "ccar+la[normalize]"
    ) == [["ccar[normalize]", "ccar+la[normalize]", "ccar+la[normalize,tau=2]"]]
    # Without another point there is no line, and a user's name may hold anything.
    assert curves_of("la", "ccar", "mine[tau=x]", "mine+la") == []


def test_there_is_a_picture_only_of_both_groups():
    made = made_results({"ce": [50, 51], "la": [55, 56]})
    assert trade_off(made).startswith(b"\x89PNG")
    assert trade_off(made_with_many_methods()).startswith(b"\x89PNG")
    del made.metrics["few"]
    assert trade_off(made) is None
    assert trade_off(made_results({"ce": [50, 51]})) is None
