"""Writes docs/pretrained-results.md from the results of `pretrained_heads.py`.

`make results` runs it.
"""

import argparse
from pathlib import Path

import numpy as np
from linear_probe import RESULTS as PROBE_RESULTS
from pretrained_heads import COMMAND, FOLDER, SEEDS
from pretrained_statistics import CCAR_LA, RELATIVE, Runs, _at, planned
from yes_or_no_page import format_p

from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.report.markdown import code_block, markdown_table
from keras_ccar.benchmark.report.sentences.facts import (
    describe_hardware,
    describe_versions,
)
from keras_ccar.benchmark.report.summary import difference_text
from keras_ccar.benchmark.statistics.paired import mean_and_deviation
from keras_ccar.files import read_json, write_atomic

PAGE = Path(__file__).parent.parent / "docs" / "pretrained-results.md"
GROUPS = ("balanced", "many", "medium", "few")
CURVES = ("la", "la-posthoc", CCAR_LA, "focal+la", "inverse+la", "tau-norm")
SIGNIFICANT = 0.05

TITLE = "# Pretrained features"
NOTE = (
    "`make results` made this page from `benchmarks/results/pretrained`; it is not "
    "edited by hand. [How CCAR works](how-ccar-works.md#what-would-count-as-better) "
    "says what would count as better, written before the study was run."
)
NOT_RUN = "**Not yet run.** This command runs it, and goes on where it was stopped:"
HOW = (
    "{data}, features of {features} at `{image_size}` pixels, standardised, and heads "
    "({head}) trained by {optimizer}, batch `{batch_size}`, for `{epochs}` epochs. The "
    "learning rate, from {learning_rates}, and the weight decay, from {weight_decays}, "
    "of every method are chosen by {chosen_by}, a share of `{held_out}` of each class; "
    "heads are then trained on all training images. The test images, which are "
    "balanced, are used for the numbers alone. A seed decides the first weights and "
    "the order of the batches, and is the same for all methods. LWS learns its factors "
    "for `10` more epochs of draws that have every class equally often. CIFAR-10-LT "
    "takes `--dataset cifar10-lt`, and was not run: its images were not at hand."
)
HOW_READ = (
    "Accuracies are in percent, as mean ± standard deviation over seeds. Differences "
    "are in points, paired by seed, with Student's 95 % interval. All seeds share the "
    "images and the choice of the learning rate and the weight decay, so deviations "
    "and intervals leave out how much these two would move a result; the latter is "
    "chosen on few images of rare classes."
)
BY_IMBALANCE = (
    "Balanced accuracy of cross-entropy in percent, and differences in points. CCAR "
    "(normalised) + logit adjustment is better than logit adjustment at τ = 1, by an "
    "interval above 0, at {better} of the {count} imbalances, and worse at {worse}."
)
STEP = (
    "A weighted loss also takes longer or shorter steps. In the controls, every sample "
    "of a batch has the mean of the weights that CCAR would give to it. These "
    "comparisons were not planned, and p is not corrected for them:"
)
# A method, and what it is compared with.
STEP_PAIRS = (
    ("ccar", "ce×c(batch)"),
    ("ce×c(batch)", "ce"),
    ("ccar+la[tau=1]", "la×c(batch)[tau=1]"),
    ("la×c(batch)[tau=1]", "la[tau=1]"),
)
PUBLISHED_PROBE = 76.5
PROBE = (
    "Cross-entropy on all 50,000 training images of CIFAR-100, balanced, with a "
    "learning rate of `{rate:g}` and a weight decay of `{decay:g}`, chosen on a fifth "
    "of them, reaches {accuracy:.1f} % on the test images (mean of {seeds} seeds). No "
    "linear probe of exactly this network at this size was found. The nearest is that "
    "of EfficientNet-B0 at `224` pixels, {published} % (CLIP, Radford et al. 2021, "
    "arXiv 2103.00020, table 10; from the paper, not read again), {gap:.1f} points "
    "more. That network has squeeze-and-excitation and is about two points better on "
    "ImageNet, and its images have twice the area; how much of the gap is due to "
    "which was not measured."
)


def page(all_results, probe=None):
    """Returns the page, as Markdown.

    Args:
        all_results: the results of each imbalance factor, the main one first.
        probe: the results of `linear_probe.py`.
    """
    if not all_results:
        return "\n\n".join([TITLE, NOTE, NOT_RUN, code_block(COMMAND, "bash") + "\n"])
    main = Runs(all_results[0])
    configuration = dict(main.results["configuration"])
    for name in ("learning_rates", "weight_decays"):
        configuration[name] = ", ".join(f"`{value:g}`" for value in configuration[name])
    parts = [TITLE, *answers(main), NOTE, HOW.format(**configuration), HOW_READ]
    if len(all_results) > 1:
        rows = imbalance_rows(all_results)
        gains = [
            Runs(results).difference(_at(CCAR_LA, 1), _at("la", 1))
            for results in all_results
        ]
        told = BY_IMBALANCE.format(
            better=sum(gain.has_interval and gain.low > 0 for gain in gains),
            worse=sum(gain.has_interval and gain.high < 0 for gain in gains),
            count=len(gains),
        )
        parts += ["## By imbalance", told, markdown_table(rows)]
    for results in all_results:
        runs = Runs(results)
        factor = results["configuration"]["imbalance_factor"]
        rare = runs.rare
        parts += [
            f"## Imbalance {factor:g}",
            f"![{rare.title()}-shot against many-shot accuracy along τ]"
            f"({figure_name(factor)})",
            f"{rare.title()}-shot against many-shot accuracy along τ: a method adds "
            "something to the prior only where its curve lies above that of logit "
            f"adjustment. {'' if rare == 'few' else 'No class here is few-shot. '}"
            f"At equal many-shot accuracy, {rare}-shot accuracy differs from that of "
            "logit adjustment by:",
            markdown_table(trade_off_rows(runs)),
            "The comparisons that were planned; p is Student's, with Holm's correction "
            "over the rows:",
            markdown_table(compared_rows(runs)),
            *step_section(runs),
            "All methods, the best first:",
            markdown_table(method_rows(runs)),
        ]
    parts += [
        "## How it was run",
        _environment(all_results),
        code_block(COMMAND, "bash") + "\n",
    ]
    if probe:
        rate, decay = probe["best"]
        told = PROBE.format(
            rate=rate,
            decay=decay,
            accuracy=probe["accuracy"],
            seeds=len(probe["accuracies"]),
            published=PUBLISHED_PROBE,
            gap=PUBLISHED_PROBE - probe["accuracy"],
        )
        command = code_block(probe["command"], "bash")
        parts += ["## A linear probe of balanced data", told, command + "\n"]
    return "\n\n".join(parts)


def answers(runs):
    """Returns the sentences at the head of the page."""
    seeds = {len(of) for of in runs.methods.values()}
    tau = runs.best_tau()
    if tau is None:
        return ["Too few runs yet for an answer."]

    def told(ours, peer):
        found = runs.difference(ours, peer)
        return f"{difference_text(found)} points" if found.seeds else "not yet measured"

    la, ce = _at("la", tau), "ce"
    curve = runs.trade_off(CCAR_LA)
    on_curve = difference_text(curve) if curve else "not yet measured"
    lines = [
        f"- **What the prior adds.** Logit adjustment at τ = {tau:g}, the best on "
        f"held-out images: {told(la, ce)} over cross-entropy; at τ = 1: "
        f"{told(_at('la', 1), ce)}.",
        f"- **What confidence adds to the prior.** CCAR (normalised) + logit "
        f"adjustment against logit adjustment, at that τ: {told(_at(CCAR_LA, tau), la)}"
        f". Few-shot accuracy at equal many-shot accuracy, along τ: {on_curve} points.",
        f"- **Does CCAR beat focal + prior?** CCAR (normalised) + logit adjustment "
        f"against focal + logit adjustment, at that τ: "
        f"{told(_at(CCAR_LA, tau), _at('focal+la', tau))}.",
        f"- **Without the prior,** CCAR against cross-entropy: {told('ccar', ce)}; "
        f"normalised: {told('ccar[normalize]', ce)}; strength 3, normalised, "
        f"frequencies relative to the largest class: {told(f'ccar[{RELATIVE}]', ce)}.",
        f"- **Which setting.** {'So far: ' if min(seeds) < SEEDS else ''}"
        f"{decision(runs, tau)}",
    ]
    if min(seeds) < SEEDS:
        lines.append(
            f"- **This is preliminary:** `{min(seeds)}` to `{max(seeds)}` of "
            f"`{SEEDS}` seeds are done, and `{len(runs.compared())}` of the "
            f"`{len(planned())}` planned comparisons are made."
        )
    return ["\n".join(lines)]


def decision(runs, tau):
    """Returns what the rule of docs/how-ccar-works.md gives."""
    rows = {(row.method, row.baseline): row for row in runs.compared()}

    def is_better(ours, peer):
        row = rows.get((_at(ours, tau), _at(peer, tau)))
        is_told = row is not None and row.p is not None and row.p < SIGNIFICANT
        return is_told and row.difference.mean > 0

    curve = runs.trade_off(CCAR_LA)
    is_above = curve is not None and curve.has_interval and curve.low > 0
    if is_better(CCAR_LA, "la") and is_above:
        if is_better(CCAR_LA, "focal+la"):
            return (
                "CCAR (normalised) + logit adjustment, by the rule that was written "
                "down before."
            )
        return (
            "Confidence adds to the prior here, but focal + logit adjustment does as "
            "much: CCAR + logit adjustment is not shown to be better than that."
        )
    return (
        "By the rule that was written down before, logit adjustment with τ tuned, "
        "without CCAR: confidence is not shown to add to the prior. The default of "
        "`CCARLoss(class_counts)` stays as published."
    )


def imbalance_rows(all_results):
    """Returns the table of the main differences at each imbalance, mildest first."""
    pairs = (
        (_at("la", 1), "ce"),
        (_at(CCAR_LA, 1), _at("la", 1)),
        ("ccar", "ce"),
        (_at(CCAR_LA, 1), _at("focal+la", 1)),
        (_at("inverse+la", 0.5), _at("la", 1)),
    )
    titles = [f"{ours} − {peer}" for ours, peer in pairs]
    table = [["imbalance", "ce", *titles, "seeds"]]
    factor = "imbalance_factor"
    for results in sorted(all_results, key=lambda r: r["configuration"][factor]):
        runs = Runs(results)
        ce = np.mean(list(runs.values("ce").values()))
        cells = [f"{results['configuration'][factor]:g}", f"{ce:.1f}"]
        cells += [difference_text(runs.difference(*pair)) for pair in pairs]
        table.append([*cells, str(len(runs.methods["ce"]))])
    return table


def compared_rows(runs):
    """Returns the table of the planned comparisons."""
    table = [["method", "against", "difference", "p (Holm)", "seeds"]]
    for row in runs.compared():
        p = "–" if row.p is None else format_p(row.p)
        cells = [row.method, row.baseline, difference_text(row.difference), p]
        table.append([*cells, str(row.difference.seeds)])
    return table


def step_section(runs):
    """Returns the comparisons with the controls that have CCAR's step, if any."""
    table = [["method", "against", "difference", "seeds"]]
    for pair in STEP_PAIRS:
        if set(pair) <= runs.methods.keys():
            found = runs.difference(*pair)
            table.append([*pair, difference_text(found), str(found.seeds)])
    return [STEP, markdown_table(table)] if len(table) > 1 else []


def trade_off_rows(runs):
    """Returns the table of the curves along τ."""
    table = [["along τ", f"{runs.rare}-shot, at equal many-shot"]]
    for family in runs.families():
        if family != "la":
            table.append([family, difference_text(runs.trade_off(family))])
    return table


def method_rows(runs):
    """Returns the table of all methods, the best first."""
    table = [["method", *GROUPS, "rate", "decay", "seeds"]]

    def mean(name):
        return np.mean(list(runs.values(name).values()))

    for name in sorted(runs.methods, key=mean, reverse=True):
        cells = [name]
        for group in GROUPS:
            values = [v for v in runs.values(name, group).values() if v is not None]
            average, deviation = mean_and_deviation(values)
            cells.append(f"{average:.1f} ± {deviation:.1f}" if values else "–")
        rate, decay = runs.results["tuning"][name]["best"]
        seeds = len(runs.methods[name])
        table.append([*cells, f"{rate:g}", f"{decay:g}", str(seeds)])
    return table


@style.png_figure
def trade_off(runs, figure):
    """Draws accuracy of the rarest against many-shot along τ, one curve a family."""
    shown = ("many", runs.rare)
    families = {f: names for f, names in runs.families().items() if f in CURVES}
    figure.set_size_inches(7, 4.2)
    axes = figure.subplots()
    for family, colour, marker in zip(
        CURVES, style.COLOURS, style.MARKERS, strict=False
    ):
        points = [
            [np.mean(list(runs.values(name, group).values())) for group in shown]
            for name in families.get(family, ())
        ]
        if points:
            many, rare = np.array(points).T
            axes.plot(many, rare, color=colour, marker=marker, label=family)
    if "ce" in runs.methods:
        many, rare = (
            np.mean(list(runs.values("ce", group).values())) for group in shown
        )
        axes.plot(many, rare, "k*", label="ce", linestyle="none")
    axes.set_xlabel("many-shot accuracy in percent")
    axes.set_ylabel(f"{runs.rare}-shot accuracy in percent")
    style.legend_above(figure, axes)
    return True


def figure_name(factor):
    return f"figures/pretrained-if{factor:g}.png"


def _environment(all_results):
    environment = all_results[0]["environment"]
    runs = [run for results in all_results for run in results["runs"]]
    commits = ", ".join(sorted({run["commit"] for run in runs}))
    return (
        f"On the backend {environment['backend']}, on "
        f"{describe_hardware(environment['hardware'])}, with other work beside it. "
        f"Versions: {describe_versions(environment)}. Commit: {commits}."
    )


def read_all(folder=FOLDER):
    """Returns the results of all imbalance factors with runs, 100 first."""
    found = [read_json(path) for path in folder.glob("cifar*-lt-if*.json")]
    found = [results for results in found if results["runs"]]

    def place(results):
        factor = results["configuration"]["imbalance_factor"]
        return factor != 100, -factor

    return sorted(found, key=place)


def read_probe(folder=FOLDER):
    """Returns the results of `linear_probe.py`, None for none."""
    path = folder / PROBE_RESULTS.name
    return read_json(path) if path.exists() else None


def write_page(folder=FOLDER, path=PAGE):
    """Writes the page and its figures; there need not be results."""
    all_results = read_all(folder)
    write_atomic(path, page(all_results, read_probe(folder)))
    for results in all_results:
        name = figure_name(results["configuration"]["imbalance_factor"])
        (path.parent / name).parent.mkdir(exist_ok=True)
        write_atomic(path.parent / name, trade_off(Runs(results)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the results")
    parser.add_argument("--page", type=Path, default=PAGE, help="what to write")
    options = parser.parse_args()
    write_page(options.folder, options.page)
