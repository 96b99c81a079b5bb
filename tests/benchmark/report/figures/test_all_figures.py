import pytest
from made_results import made_results, made_with_many_methods

from keras_ccar.benchmark.report.figures.all_figures import FIGURES, draw_all
from keras_ccar.benchmark.report.figures.difference_figures import (
    ablations,
    differences,
)


@pytest.mark.slow
def test_figures_of_many_methods():
    results = made_with_many_methods()
    drawn = draw_all(results)
    assert set(drawn) == set(FIGURES)
    for content in drawn.values():
        assert content.startswith(b"\x89PNG")
    again = differences(results)
    assert again == drawn["differences.png"]


def test_a_figure_without_content_is_not_drawn():
    results = made_results({"ce": [38.0]}, epochs=2)
    assert ablations(results) is None
    assert differences(results) is None
