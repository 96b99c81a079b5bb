"""Writes docs/checked-against-published-code.md; `make results` runs it.

It computes the values of this package anew, and fails if one is not what the page says.
"""

from pathlib import Path

from published_code import REFERENCE, Row, equal_rows, values_of

from keras_ccar.benchmark.spec.published import PublishedResult, published_results
from keras_ccar.benchmark.training.standardiser import STATISTICS
from keras_ccar.files import write_atomic

PAGE = Path(__file__).parent.parent / "docs" / "checked-against-published-code.md"
TITLE = "# How it was checked against published code"
NOTE = (
    "`make results` made this page from `benchmarks/reference/published_code.json`; it "
    "is not edited by hand. The file has what the published code gave when it was run "
    "as it is, with PyTorch {torch} and Pillow {pillow}. None of that code is in this "
    "repository. `benchmarks/published_code.py` computes the same here, on TensorFlow, "
    "and the tests run it."
)
EQUAL = (
    "## Equal\n\n"
    "The learning rates, the losses and the logits that the tables show are a few of "
    "those that were compared. The last column but one is the largest difference "
    "allowed, relative to the largest value."
)
DIFFERENT = (
    "## Different on purpose\n\n"
    "The recipes *plain* and *strong* follow the code, except here."
)
NUMBERS = (
    "## Published numbers that do not compare\n\n"
    "A report sets a published number beside ours only if nothing of this differs. The "
    "[results](results.md) have all numbers."
)
NOT_CHECKED = (
    "## Not checked\n\n"
    "- **Whole trainings.** The authors' code was not trained to the end, so nothing "
    "here says that both reach the same accuracy.\n"
    "- **Random numbers.** Initial weights, the order of the images and their "
    "augmentation follow the same rules, with other draws.\n"
    "- **Which images.** The subset is drawn by Cao's rule from the hashes of the "
    "images; the published code draws other images, and nobody publishes which.\n"
    "- **ResNet-50 and the pipeline for natural images.** Only the learning rates of "
    "their recipes were compared."
)
ADDRESS = "https://github.com/{repository}/tree/{commit}"


def source(reference: str) -> str:
    """Returns the repository, the files and the commit of a value, as Markdown."""
    values = values_of(reference)
    commit = REFERENCE["sources"][values["repository"]]
    address = ADDRESS.format(repository=values["repository"], commit=commit)
    files = ", ".join(f"`{name}`" for name in values["file"].split(", "))
    return f"[{values['repository']}]({address}) {files} at `{commit[:7]}`"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Returns a table in Markdown, whose cells may be Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def equal_table(rows: list[Row]) -> str:
    """Returns the table of what is equal."""
    header = ["what", "published code", "here", "agreement", "source"]
    return table(header, [[*row[:-1], source(row.reference)] for row in rows])


def different_table() -> str:
    """Returns the table of what differs on purpose."""
    theirs = values_of("pixels")
    mean, deviation = STATISTICS["cifar100-lt"]
    rows = [
        [
            "mean and deviation of the pixels of CIFAR-100",
            f"{_list(theirs['mean'])}; {_list(theirs['deviation'])}: those of CIFAR-10",
            f"{_list(mean)}; {_list(deviation)}: its own",
            source("pixels"),
        ],
        [
            "the result of a run of *plain*",
            f"the {values_of('epoch')['epoch']} epoch on the test images",
            "the last epoch",
            source("epoch"),
        ],
        [
            "the result of a run of *strong*",
            f"the {values_of('epoch_strong')['epoch']} epoch on validation images, "
            "which are the test images",
            "the last epoch",
            source("epoch_strong"),
        ],
    ]
    return table(["what", "published code", "here", "source"], rows)


def numbers_table() -> str:
    """Returns the table of why numbers of Bag-of-Tricks and BALMS do not compare."""
    found = [r for r in published_results() if r.source.startswith("Bag-of-Tricks (")]
    ours = {r.method: r for r in found if r.dataset == "cifar100-lt" and r.method}
    rows = [
        [
            "subset of CIFAR-100",
            _agreed("subset", values_of("bag_of_tricks_subset")["subset"], ours["ce"]),
            "drawn by Cao's rule",
            source("bag_of_tricks_subset"),
        ],
        [
            "epoch",
            _agreed("epoch", values_of("bag_of_tricks_epoch")["epoch"], ours["ce"]),
            "last",
            source("bag_of_tricks_epoch"),
        ],
        [
            "β of class-balanced weights",
            _agreed("beta", values_of("bag_of_tricks_beta")["beta"], ours["cb"]),
            "0.9999",
            source("bag_of_tricks_beta"),
        ],
        [
            "focal loss of a sigmoid for each class",
            _agreed(
                "sigmoid_focal",
                values_of("bag_of_tricks_focal")["is_sigmoid"],
                ours["focal"],
            ),
            "no",
            source("bag_of_tricks_focal"),
        ],
    ]
    (balms,) = [r for r in published_results() if r.top1 == "50.8"]
    balms_row = (
        f"{balms.top1} % on CIFAR-100-LT at an imbalance of 100 is listed as "
        f"*{balms.title}*, as far as it can be read: the repository has no settings at "
        "that imbalance."
    )
    header = ["Bag-of-Tricks' numbers", "published code", "here", "source"]
    return f"{table(header, rows)}\n\n{balms_row}"


def _agreed(name: str, reference: object, published: PublishedResult) -> str:
    """Returns a value that `published.csv` has as the published code has it."""
    listed = getattr(published, name)
    assert listed == reference, f"published.csv has {name} {listed}, not {reference}"
    return "yes" if reference is True else str(reference)


def _list(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def write_page(path: Path = PAGE) -> None:
    """Computes every value of this package, and writes the page."""
    parts = [
        TITLE,
        NOTE.format(**REFERENCE["made_with"]),
        EQUAL,
        equal_table(equal_rows()),
        DIFFERENT,
        different_table(),
        NUMBERS,
        numbers_table(),
        NOT_CHECKED,
    ]
    write_atomic(path, "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    write_page()
