"""`keras-ccar report` says in one sentence what is wrong with a file, and where."""

import copy
import functools
import io
import json
import re
import sys

import pytest
from made_results import made_results

from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.report.figures import all_figures as figures

DEEP = "[" * 100_000 + "]" * 100_000
HISTORY = {
    "format": "keras_ccar statistics",
    "outputs": [
        {
            "name": None,
            "loss": "CCARLoss",
            "class_names": ["a", "b"],
            "class_counts": [9, 3],
            "epochs": [
                {
                    "count": [9, 3],
                    "frequency": [0.75, 0.25],
                    "mean_confidence": [0.5, None],
                    "mean_weight": [1.0, None],
                    "below_pivot": [0.5, None],
                }
            ],
        }
    ],
}


@functools.cache
def results():
    """The content of a valid `results.json`."""
    return made_results({"ce": [38.0, 39.0], "ccar": [39.0, None]}, epochs=2).to_json()


def changed(content, field, value):
    """Returns a copy of nested content with one field changed; removed for `...`."""
    content = copy.deepcopy(content)
    part = content
    *folders, last = field
    for key in folders:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return content


RUN = ("runs", 0)
# A field of results.json, what it is changed to, and what the message says.
FIELDS = {
    "runs are an object": (("runs",), {}, "'runs'"),
    "a run is a list": (RUN, [], "'runs[0]'"),
    "no method": ((*RUN, "method"), ..., "'runs[0].method'"),
    "a seed of text": ((*RUN, "seed"), "0", "'runs[0].seed'"),
    "a seed that is true": ((*RUN, "seed"), True, "'runs[0].seed'"),
    "an unknown status": ((*RUN, "status"), "lost", '"finished" or "failed"'),
    "no accuracy": ((*RUN, "balanced"), ..., "'runs[0].balanced'"),
    "accuracy as text": ((*RUN, "balanced"), "38.0", "'runs[0].balanced'"),
    "accuracy null": ((*RUN, "balanced"), None, "'runs[0].balanced'"),
    "accuracy NaN": ((*RUN, "balanced"), float("nan"), "'runs[0].balanced'"),
    "accuracy infinite": ((*RUN, "top1"), float("inf"), "'runs[0].top1'"),
    "accuracy a list": ((*RUN, "top1"), [38.0], "'runs[0].top1'"),
    "accuracy too large": ((*RUN, "few"), 1e300, "'runs[0].few'"),
    "accuracy endless": ((*RUN, "few"), 10**400, "'runs[0].few'"),
    "too few classes": ((*RUN, "per_class_accuracy"), [1.0], "a list of 100 finite"),
    "classes as text": ((*RUN, "per_class_accuracy"), ["1"] * 100, "per_class_accu"),
    "a class endless": ((*RUN, "per_class_accuracy", 0), 10**400, "a list of 100 fin"),
    "no history": ((*RUN, "history"), None, "'runs[0].history'"),
    "an epoch too few": ((*RUN, "history", "confidence", 1), ..., "history.confidence"),
    "other epochs": ((*RUN, "history", "test"), [], "'runs[1].history.test'"),
    "a test without epoch": (
        (*RUN, "history", "test", 0, "epoch"),
        ...,
        "'runs[0].history.test[0].epoch'",
    ),
    "a failure without error": (("runs", 3, "error"), ..., "'runs[3].error'"),
    "class names are text": (("dataset", "class_names"), "abc", "class_names"),
    "class names too few": (("dataset", "class_names"), ["a"], "a list of 100 names"),
    "class counts negative": (("dataset", "class_counts", 0), -1, "class_counts[0]"),
    "class counts all zero": (("dataset", "class_counts"), [0] * 100, "all zero"),
    "no recipe": (("recipe",), None, "'recipe'"),
    "epochs as a fraction": (("recipe", "epochs"), 1.5, "'recipe.epochs'"),
    "no epochs": (("recipe", "epochs"), ..., "'recipe.epochs'"),
    "a recipe setting that is nested": (("recipe", "x"), {"a": {}}, "'recipe.x'"),
    "an unknown form": (("options", "form"), "cubic", "'options.form'"),
    "a switch that is a number": (("options", "normalize"), 2, "'options.normalize'"),
    "no methods": (("methods",), [], "'methods'"),
    "a method without title": (("methods", 0, "title"), ..., "'methods[0].title'"),
    "a loss without strength": (
        ("methods", 1, "loss", "config", "strength"),
        ...,
        "'methods[1].loss.config.strength'",
    ),
    "seeds that are lists": (("seeds", 0), [0], "'seeds[0]'"),
    "no hardware": (("environment", "hardware"), ..., "'environment.hardware'"),
    "versions are numbers": (("environment", "versions", "keras"), 3, "versions.keras"),
    "a command that is a list": (("command",), ["a"], "'command'"),
    "half a character": (("dataset", "class_names", 0), "\ud800", "lone surrogate"),
}
# The bytes of a results.json that is none, and what the message says.
CONTENTS = {
    "empty": (b"", "is not JSON"),
    "cut off": (b'{"format": 1, "runs": [', "is not JSON"),
    "binary": (b"\x89HDF\r\n\x1a\n\xff", "is not JSON"),
    "in UTF-16": ('{"format": 1}'.encode("utf-16"), "is not JSON"),
    "with a byte order mark": (b"\xef\xbb\xbf{}", "is not JSON"),
    "a list": (b"[]", "not in format 1"),
    "null": (b"null", "not in format 1"),
    "nested deeply": (DEEP.encode(), "nested too deeply"),
    "a number of 5000 digits": (b"9" * 5000, "is not JSON"),
}
# A field of the file of a training, as `FIELDS`.
TRAININGS = {
    "no outputs": (("outputs",), ..., "'outputs'"),
    "outputs empty": (("outputs",), [], "'outputs'"),
    "a loss that is null": (("outputs", 0, "loss"), None, "'outputs[0].loss'"),
    "no epochs": (("outputs", 0, "epochs"), [], "'outputs[0].epochs'"),
    "counts null": (("outputs", 0, "class_counts", 0), None, "class_counts"),
    "names too few": (("outputs", 0, "class_names"), ["a"], "a list of 2 names"),
    "an epoch without weights": (
        ("outputs", 0, "epochs", 0, "mean_weight"),
        ...,
        "'outputs[0].epochs[0].mean_weight'",
    ),
    "confidence as text": (
        ("outputs", 0, "epochs", 0, "mean_confidence"),
        ["x", "y"],
        "'outputs[0].epochs[0].mean_confidence'",
    ),
}


def refused(path, capsys, *more):
    """Runs `report` and returns its sentence, without its beginning."""
    capsys.readouterr()
    assert main(["report", str(path), *more]) == 2
    begin, sentence, end = capsys.readouterr().err.partition("keras-ccar: error: ")
    assert (begin, bool(sentence)) == ("", True)
    assert end.count("\n") == 1
    assert "Traceback" not in end
    return end


@pytest.mark.parametrize("case", FIELDS)
def test_a_wrong_field_is_named(case, tmp_path, capsys):
    field, value, message = FIELDS[case]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(changed(results(), field, value)))
    sentence = refused(tmp_path, capsys)
    assert str(path) in sentence
    assert message in sentence
    with pytest.raises(ValueError, match=r"results\.json") as raised:
        Comparison.read(tmp_path)
    assert str(raised.value) in sentence


@pytest.mark.parametrize("case", CONTENTS)
def test_a_file_that_is_no_json(case, tmp_path, capsys):
    content, message = CONTENTS[case]
    path = tmp_path / "results.json"
    path.write_bytes(content)
    sentence = refused(tmp_path, capsys)
    assert str(path) in sentence
    assert message in sentence


@pytest.mark.parametrize("case", TRAININGS)
def test_a_wrong_field_of_a_training_is_named(case, tmp_path, capsys):
    field, value, message = TRAININGS[case]
    path = tmp_path / "history.json"
    path.write_text(json.dumps(changed(HISTORY, field, value)))
    sentence = refused(path, capsys)
    assert str(path) in sentence
    assert message in sentence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [[1]]}, "'rows[0]'"),
        ({"rows": [{"way": ["x"]}]}, "'rows[0].way'"),
        ({"rows": []}, "has no rows"),
        ({"seconds": {"way": []}}, "'seconds.way'"),
        ({"seconds": {"way": ["1"]}}, "'seconds.way'"),
        ({"seconds": {"way": [1]}, "environment": {}}, "'environment.hardware'"),
        ({"seconds": {"way": [1]}, "command": 5}, "'command'"),
    ],
)
def test_a_wrong_field_of_a_measurement_is_named(change, message, tmp_path, capsys):
    (tmp_path / "results.json").write_text(json.dumps(results()))
    measurement = {"command": "c", "environment": results()["environment"], **change}
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(measurement))
    sentence = refused(tmp_path, capsys)
    assert str(path) in sentence
    assert message in sentence


def test_what_is_valid_is_read(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results()))
    assert Comparison.read(tmp_path).to_json() == results()
    emoji = changed(results(), ("dataset", "class_names", 0), "\U0001f98a")
    (tmp_path / "results.json").write_text(json.dumps(emoji))  # as a pair of halves
    assert Comparison.read(tmp_path).dataset["class_names"][0] == "\U0001f98a"


@pytest.fixture
def readable(tmp_path, monkeypatch):
    """A folder with results whose report is drawn without figures, which take long."""
    monkeypatch.setattr(figures, "FIGURES", {})
    folder = tmp_path / "done"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(results()))
    return folder


def test_codes_of_the_terminal_are_shown_as_text(readable, capsys):
    hostile = changed(results(), ("methods", 0, "title"), "\x1b[2J\x9b1m\0\x7f")
    (readable / "results.json").write_text(json.dumps(hostile))
    assert main(["report", str(readable)]) == 0
    printed = capsys.readouterr().out
    assert r"\x1b[2J\x9b1m\x00\x7f" in printed
    assert printed.replace("\n", "").isprintable()


def test_a_folder_where_the_results_should_be(tmp_path, capsys):
    (tmp_path / "results.json").mkdir()
    assert f"{tmp_path / 'results.json'}: Is a directory." in refused(tmp_path, capsys)


def test_a_file_where_a_folder_should_be(readable, tmp_path, capsys):
    (tmp_path / "file").touch()
    page = str(tmp_path / "file" / "page.md")
    assert str(tmp_path / "file") in refused(readable, capsys, "--page", page)


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_what_cannot_be_written_is_shown_and_the_rest_written(
    name, readable, tmp_path, capsys
):
    other = tmp_path / "other"
    other.mkdir()
    (other / "results.json").write_bytes((readable / "results.json").read_bytes())
    (readable / name).mkdir()  # No rename replaces it, not even root's.
    page = tmp_path / "page.md"
    assert main(["report", str(readable), str(other), "--page", str(page)]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("CCAR against cross-entropy") == 2
    assert printed.err == (
        "keras-ccar: error: not all files could be written. "
        f"{readable / name}: Is a directory.\n"
    )
    assert (other / "report.html").exists()
    assert page.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_a_path_that_is_no_unicode(readable, capsys):
    folder = readable.rename(readable.with_name("\udcff done"))
    page = folder.parent / "page.md"
    assert main(["report", str(folder), "--page", str(page)]) == 0
    assert r"\udcff done" in capsys.readouterr().out
    (folder / "results.json").write_text("{")
    assert "is not JSON" in refused(folder, capsys)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has /dev/full")
def test_an_output_that_is_full(readable, capsys, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as device:
        full = io.TextIOWrapper(device, write_through=True)
        monkeypatch.setattr(sys, "stdout", full)
        assert "No space left on device." in refused(readable, capsys)
        full.detach()


@pytest.mark.parametrize("output", ["\udcff", "a\0b"])
def test_compare_refuses_an_output_that_its_results_cannot_name(output, capsys):
    assert main(["compare", "digits-lt", "--output", output]) == 2
    assert re.search("output`? must be a path", capsys.readouterr().err)
