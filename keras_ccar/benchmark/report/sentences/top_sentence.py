"""The answer of a comparison: one sentence that follows from its numbers."""

from dataclasses import dataclass

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.sentences.best_sentence import best_sentence
from keras_ccar.benchmark.report.sentences.wording import format_score, join_names
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.benchmark.statistics.prior_sentence import describe_prior_gap
from keras_ccar.benchmark.statistics.ranking import Best

# Shorter trainings show that all runs, not what helps.
_FEW_EPOCHS = 5


@dataclass(frozen=True)
class Answer:
    """What a report opens with.

    Attributes:
        sentence: which method is best, by how much, and how sure that is.
        notes: how the best was chosen, and what is missing.
        warning: why the numbers prove nothing; "" if they may.
    """

    sentence: str
    notes: tuple[str, ...]
    warning: str


def find_answer(comparison: Comparison) -> Answer:
    """Returns the answer of a comparison."""
    notes = _failures(comparison)
    warning = _warning(comparison)
    try:
        best = comparison.best()
    except ValueError:
        sentence = "No run has finished, so there is nothing to compare."
        return Answer(sentence, tuple(notes), warning)
    if len({run["method"] for run in comparison.finished_runs()}) > 1:
        notes = [_choice(best), *_better_controls(comparison, best), *notes]
    notes += _prior(comparison, best)
    return Answer(best_sentence(comparison, best), tuple(notes), warning)


def _choice(best: Best) -> str:
    """Says on which data the best was chosen."""
    if best.chosen_on != best.measured_on:
        return (
            f"The method was chosen on the {best.chosen_on} data; the numbers are of "
            f"the {best.measured_on} data, which had no part in the choice."
        )
    return (
        f"The best was chosen by the {best.measured_on} data that the numbers are of, "
        "which flatters it: expect a little less on other data."
    )


def _prior(comparison: Comparison, best: Best) -> list[str]:
    """Says where the probabilities of the best are not those of the data."""
    names = comparison.dataset["class_names"]
    runs = comparison.finished_runs()
    told = [
        describe_prior_gap(run, runs, comparison.methods, names)
        for run in runs
        if run["method"] == best.method
    ]
    return [text for text in told if text][:1]


def _better_controls(comparison: Comparison, best: Best) -> list[str]:
    """Names the controls that are ahead of the best, as they are never chosen."""
    controls = {
        method["name"]: method["title"]
        for method in comparison.methods
        if method.get("source") == "control"
    }
    column = describe_column(best.metric, comparison.metrics)
    sentences = []
    for standing in comparison.ranking(best.metric):
        if standing.name == best.method:
            break
        if standing.name in controls:
            score = format_score(standing.scores.mean(), column)
            sentences.append(
                f"A control, which is never chosen, {controls[standing.name]}, reaches "
                f"{score} {column.phrase}."
            )
    return sentences


def _failures(comparison: Comparison) -> list[str]:
    """Says which methods lack seeds because runs failed."""
    sentences = []
    for method in comparison.methods:
        failed = [run for run in comparison.failed if run["method"] == method["name"]]
        finished = len(comparison.finished_runs(method["name"]))
        if failed and not finished:
            sentences.append(f"Every run of {method['title']} failed.")
        elif failed:
            sentences.append(
                f"{len(failed)} of {finished + len(failed)} runs of {method['title']} "
                "failed, so it could not be chosen."
            )
    return sentences


def _warning(comparison: Comparison) -> str:
    """Says why the numbers prove nothing, if that is so."""
    recipe = comparison.recipe
    reasons = []
    if recipe["name"].endswith("-smoke") or "--smoke" in comparison.command.split():
        reasons.append("a smoke test")
    if recipe["epochs"] < _FEW_EPOCHS:
        plural = "s" if recipe["epochs"] > 1 else ""
        reasons.append(f"{recipe['epochs']} epoch{plural}")
    finished = comparison.finished["method"].value_counts()
    if finished.max() == 1:
        reasons.append("one seed")
    return f"This proves nothing: {join_names(reasons)}." if reasons else ""
