"""What a notebook shows of a comparison."""

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report import html_page
from keras_ccar.benchmark.report.sentences.top_sentence import find_answer
from keras_ccar.benchmark.report.summary import rank_rows


def notebook_html(comparison: Comparison) -> str:
    """Returns the answer and the ranking as a piece of HTML.

    It carries no style sheet, so that it looks like the notebook that it is in.
    """
    return html_page.render(
        "notebook.html",
        answer=find_answer(comparison),
        rows=rank_rows(comparison),
    )
