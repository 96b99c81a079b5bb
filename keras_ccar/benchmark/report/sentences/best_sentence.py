"""The sentence about the best method of a comparison."""

from dataclasses import dataclass

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.sentences.wording import (
    describe_gain,
    describe_more,
    format_score,
    format_seeds,
    join_names,
)
from keras_ccar.benchmark.statistics.columns import Column, describe_column
from keras_ccar.benchmark.statistics.paired import paired_difference
from keras_ccar.benchmark.statistics.ranking import Best, Standing

_ONE_SEED = "one seed cannot tell methods apart"


@dataclass(frozen=True)
class _Found:
    """What the sentence is made of; `others` are in order, the best first."""

    place: str
    best: Best
    column: Column
    titles: dict[str, str]
    chosen: Standing
    others: list[Standing]
    baseline: Standing | None
    controls: frozenset[str]

    @property
    def sign(self) -> int:
        """1 if more is better, -1 if less is."""
        return -1 if self.column.lower_is_better else 1

    @property
    def is_elsewhere(self) -> bool:
        """Whether the best was chosen on other data than the numbers are of."""
        return self.best.chosen_on != self.best.measured_on

    @property
    def choice(self) -> str:
        """Says which method was chosen elsewhere, and where."""
        return f"chosen on the {self.best.chosen_on} data"

    def measured(self, baseline: str) -> str:
        """Says how a method that was chosen elsewhere compares with the baseline."""
        assert self.chosen.difference is not None
        more = describe_more(self.chosen.difference, self.column, baseline)
        return f"on the {self.best.measured_on} data it has {more}"

    def score(self) -> str:
        """Says what the best reached, and of what."""
        score = format_score(self.best.mean, self.column)
        return f"{score} {self.column.phrase} ({format_seeds(self.best.seeds)})"

    def reached(self) -> str:
        """Says what the best reached, where it is said of what."""
        score = format_score(self.best.mean, self.column)
        return f"{score} ({format_seeds(self.best.seeds)})"

    def extreme(self) -> str:
        """Says that the best is."""
        side = "lowest" if self.column.lower_is_better else "highest"
        return f"has the {side} {self.column.phrase}"


def best_sentence(comparison: Comparison, best: Best) -> str:
    """Says which method is best, by how much, and what cannot be told from it."""
    own = "kind" in comparison.dataset
    standings = [s for s in comparison.ranking(best.metric) if len(s.scores)]
    by_name = {standing.name: standing for standing in standings}
    found = _Found(
        "On your data" if own else f"On {comparison.dataset['name']}",
        best,
        describe_column(best.metric, comparison.metrics),
        {method["name"]: method["title"] for method in comparison.methods},
        by_name[best.method],
        [standing for standing in standings if standing.name != best.method],
        by_name.get(comparison.baseline),
        frozenset(
            method["name"]
            for method in comparison.methods
            if method.get("source") == "control"
        ),
    )
    if not found.others:
        return (
            f"{found.place} only {best.title} has finished: {found.score()}; there is "
            "nothing to compare it with."
        )
    if found.baseline is None:
        return _without_baseline(found)
    if found.baseline is found.chosen:
        return _baseline_is_best(found)
    return _against_baseline(found, found.titles[found.baseline.name])


def _against_baseline(found: _Found, baseline: str) -> str:
    difference = found.chosen.difference
    assert difference is not None
    head = f"{found.place} {found.best.title}"
    gain = describe_gain(difference, found.column, baseline)
    if found.chosen.differs(found.sign):
        return f"{head} gives {gain}{_ties(found)}."
    if not difference.seeds:
        return (
            f"{head} {_stands(found)}; no seed was finished by both it and {baseline}."
        )
    if difference.seeds == 1 and found.is_elsewhere:
        return f"{head} was {found.choice}; {found.measured(baseline)}; {_ONE_SEED}."
    if difference.seeds == 1:
        return f"{head} gives {gain}; {_ONE_SEED}."
    surely = [s.name for s in found.others if s.differs(found.sign)]
    chance = ""
    if difference.has_interval and not difference.includes_zero:
        number = sum(s.difference is not None for s in [found.chosen, *found.others])
        if difference.mean * found.sign > 0:
            chance = f"; corrected by Holm for {number} methods it may be chance"
    if not surely:
        head = f"{found.place} no method can be said to be better than {baseline}"
        simpler = f"Take the simpler one, {baseline}."
        if found.is_elsewhere:
            return (
                f"{head}. {found.choice.capitalize()}: {found.best.title}; "
                f"{found.measured(baseline)}{chance}. {simpler}"
            )
        return f"{head}: the best, {found.best.title}, gives {gain}{chance}. {simpler}"
    shown = (
        f"{found.place} {_names(found, surely)} {'was' if len(surely) == 1 else 'were'}"
        f" shown to be better than {baseline}"
    )
    if found.is_elsewhere:
        return (
            f"{shown}; of {found.best.title}, {found.choice}, this was not shown: "
            f"{found.measured(baseline)}{chance}."
        )
    return (
        f"{shown}; {found.best.title} {found.extreme()}, but of it this was not shown: "
        f"{gain}{chance}."
    )


def _baseline_is_best(found: _Found) -> str:
    title = found.best.title
    head = f"{found.place} no method improves on {title}, {found.score()}"
    if found.is_elsewhere:
        head = f"{found.place} {title} {_stands(found)}"
    closest = found.others[0]
    difference = closest.difference
    assert difference is not None
    if not difference.seeds:
        return f"{head}; no other method finished a seed that it finished."
    gain = describe_gain(difference, found.column, title)
    if difference.is_nothing:
        gain = "the same numbers"
    which = "next" if found.is_elsewhere else "closest"
    nearest = f"the {which}, {found.titles[closest.name]}, gives {gain}"
    if difference.seeds == 1:
        return f"{head}; {nearest}; {_ONE_SEED}."
    if not found.best.ties:
        return f"{head}; {nearest}, and every other method is measurably worse."
    said = closest.name if difference.is_nothing else ""
    return f"{head}; {nearest}{_ties(found, said)}."


def _without_baseline(found: _Found) -> str:
    head = f"{found.place} {found.best.title} {_stands(found)}"
    tail = _ties(found) if found.best.seeds > 1 else f"; {_ONE_SEED}"
    return f"{head}{tail}; there is no finished baseline to compare it with."


def _stands(found: _Found) -> str:
    """Says why a method was chosen, and what it reached."""
    if found.is_elsewhere:
        where = f"on the {found.best.measured_on} data it has"
        return f"was {found.choice}; {where} {found.score()}"
    return f"{found.extreme()}, {found.reached()}"


def _ties(found: _Found, said: str = "") -> str:
    """Says which methods cannot be told apart from the best; controls are none.

    Args:
        found: what was found.
        said: the method of which it is said already.
    """
    by_name = {standing.name: standing for standing in found.others}
    left_out = {*found.controls, said}
    ties = [name for name in found.best.ties if name not in left_out]
    same = [
        name
        for name in ties
        if paired_difference(found.chosen.scores, by_name[name].scores).is_nothing
    ]
    unsure = [name for name in ties if name not in same]
    parts = []
    if same:
        verb = "gives" if len(same) == 1 else "give"
        parts.append(f"{_names(found, same)} {verb} the same numbers")
    if unsure:
        parts.append(f"{_names(found, unsure)} cannot be told apart from it")
    is_baseline_all = found.baseline is not None and len(found.others) == 1
    if not found.best.ties and not is_baseline_all:
        parts.append("every other method is measurably worse")
    return "".join(f"; {part}" for part in parts)


def _names(found: _Found, names: list[str]) -> str:
    return join_names([found.titles[name] for name in names])
