"""Files, texts and arguments that someone would write who means harm.

Each case reads one such input by the function or the command that a user calls. It
returns what of it is not harmless, or raises the error that refuses it.
"""

import contextlib
import copy
import csv
import functools
import hashlib
import html.parser
import io
import json
import os
import pickle
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import markdown
import numpy as np
from backed_up_training import classifier
from finished_run import RUN
from made_results import made_results
from PIL import Image

import keras_ccar
from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.runner.records import (
    load_run,
    record_path,
)
from keras_ccar.benchmark.runner.results import write_results
from keras_ccar.files import write_json

# What it touches where code of an input is run.
CANARY = "canary"
CODE = f"open({CANARY!r}, 'w').close()"
DEEP = "[" * 100_000 + "]" * 100_000


class Unpickled:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return exec, (CODE,)


PICKLE = pickle.dumps(Unpickled())
TEXTS = {
    "a script": f"<script>{CODE}</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "a comment that ends": "--></style></title><iframe src=//x.example>",
    "a template": "{{ 7 * 7 }}{% for x in ().__class__.__bases__ %}{{ x }}{% endfor %}",
    "a link": "[click](javascript:alert(1)) ![x](http://x.example/x.png)",
    "a table that ends": "a | b\n\n# heading\n\n<iframe src=//x.example>\n",
    "a formula": "=cmd|' /C calc'!A0",
    "a sum": "+1+1",
    "a difference": "-2+3",
    "a function": "@SUM(1)",
    "a formula behind a tab": "\t=1+1",
    "codes of the terminal": "\x1b]0;title\x07\x1b[2J\x9b31m",
    "markup of the terminal": "[link=file:///etc/passwd]x[/link][/][bold",
    "mathematics that ends early": r"$\frac{1}{$ $x^$",
    "a format": "%s%n{0}{0.__class__}",
    "text from right to left": "\u202e\u2066gnp.exe",
    "a long text": "x" * 20_000,
    "a zero byte": "a\0b",
    "a path upwards": "../../../../../../etc/passwd",
    "separators": " \r\u2028\u2029\x85",
    "marks on one letter": "Z" + "\u0351" * 2_000,
    "no character": "\uffff\ufdd0\U0010ffff",
}
CONTENTS = {
    "empty": b"",
    "cut off": b'{"format": 1, "runs": [',
    "binary": b"\x89HDF\r\n\x1a\n\xff",
    "in UTF-16": '{"format": 1}'.encode("utf-16"),
    "no UTF-8": b'{"format": "\xff\xfe\xc0\xaf"}',
    "with a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "null": b"null",
    "text": b'"results"',
    "a key twice": b'{"format": 1, "format": 1}',
    "nested lists": DEEP.encode(),
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 5000 digits": b"9" * 5_000,
    "a number that overflows": b'{"format": 1e999}',
    "not a number": b'{"format": NaN}',
    "half a character": b'{"format": "\\ud800"}',
    "a pickle": PICKLE,
    "an expression": f"__import__('builtins').{CODE}".encode(),
    "aliases of YAML": b"a: &a [x, x]\nb: &b [*a, *a]\nc: !!python/object/apply:exec\n",
    "a page": f"<html><script>{CODE}</script>".encode(),
    "zeros": bytes(100_000),
}
# What stands where a file is expected.
KINDS = {
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to a folder": lambda path: path.symlink_to("."),
}
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


class RefusedError(Exception):
    """A command has refused its input, and has said so."""


def command(*arguments):
    """Runs `keras-ccar` and returns what it printed; a refusal becomes an error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:  # of the parser of arguments
            code = error.code
        except Exception as error:  # It would end the command in a traceback.
            raise AssertionError("the command failed") from error
    if code == 2:
        raise RefusedError(err.getvalue())
    assert code == 0, err.getvalue()
    return out.getvalue()


class Tags(html.parser.HTMLParser):
    """The tags of a page with their attributes, without values."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, *(name for name, _ in attributes)))


def tags_of(folder):
    """The tags of the reports in a folder."""
    text = (folder / "report.md").read_text("utf-8")
    shown = markdown.markdown(text, extensions=["fenced_code", "tables"])
    return Tags(page_of(folder)).found, Tags(shown).found


def results(text):
    """A comparison in which all names are `text`."""
    made = made_results({"ce": [38.0, 39.0], "ccar": [39.0, None]}, epochs=2)
    made.dataset |= {"name": text, "class_names": [text] * 100, "digest": text}
    made.recipe |= dict.fromkeys(("name", "source", "model", "schedule", "note"), text)
    made.options |= {"note": text}
    made.environment["hardware"] |= {"processor": text, "accelerators": [text]}
    made.environment |= {"backend": text, "commit": text, "versions": {text: text}}
    made.command = text
    for method in made.methods:
        method |= {"title": text, "source": text}
    made.run_entries[-1]["error"] = text
    return made


def report(comparison, folder):
    """Writes results and their report, and returns what was printed."""
    write_results(comparison, folder)
    return command("report", folder)


def report_training(name, folder):
    """Writes the report of a training; returns the tags of its page, and the output."""
    content = copy.deepcopy(HISTORY)
    content["outputs"][0] |= {"name": name, "loss": name, "class_names": [name] * 2}
    write_json(folder / "history.json", content)
    printed = command("report", folder / "history.json")
    (page,) = folder.glob("*.html")
    return Tags(page.read_text("utf-8")).found, printed


@functools.cache
def plain_tags():
    """The tags of the report of a comparison, and of one of a training."""
    with tempfile.TemporaryDirectory() as folder:
        report(results("name"), Path(folder))
        comparison = tags_of(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        return comparison, report_training("name", Path(folder))[0]


def problems_of(printed):
    """What a terminal would do that is given an output."""
    codes = {"\x1b", "\x9b", "\x07", "\0", "\r"} & set(printed)
    return ["the terminal is given codes"] if codes else []


def report_of_names(text, folder):
    """What is not harmless in the reports of a comparison of such names."""
    problems = problems_of(report(results(text), folder))
    (plain_page, plain_markdown), _ = plain_tags()
    page, shown = tags_of(folder)
    if page != plain_page:
        problems.append("the page has other tags")
    if set(shown) - set(plain_markdown) - {("em",), ("strong",)}:
        problems.append("the Markdown has other tags")
    if "{{ 7 * 7 }}" in text and "{{ 7 * 7 }}" not in page_of(folder):
        problems.append("a template was filled in")
    with (folder / "results.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    if any(cell.startswith(("=", "+", "@", "\t")) for cell in cells):
        problems.append("a cell is a formula")
    return problems


def page_of(folder):
    return (folder / "report.html").read_text("utf-8")


def training_of_names(text, folder):
    """What is not harmless in the report of a training with such names."""
    tags, printed = report_training(text, folder)
    problems = problems_of(printed)
    if tags != plain_tags()[1]:
        problems.append("the page has other tags")
    return problems


def read_results(folder):
    """Reads a `results.json` by the command and by the class."""
    with contextlib.suppress(ValueError, OSError):
        Comparison.read(folder)
        raise AssertionError("what is no comparison was read")
    command("report", folder)


def read_history_file(folder):
    command("report", folder / "history.json")


def read_measurement(folder):
    """Reads a measurement, which lies beside a comparison."""
    write_json(
        folder / "results.json", made_results({"ce": [38.0]}, epochs=1).to_json()
    )
    command("report", folder)


def read_record(folder):
    """Reads the record of a run, which is trained again if it is none."""
    assert load_run(RUN, folder) is None


READERS = {
    "results.json": ("results.json", read_results),
    "history": ("history.json", read_history_file),
    "measurement": ("speed.json", read_measurement),
    "record of a run": (str(record_path(RUN, "")), read_record),
}


def read_content(name, content, folder):
    path, read = READERS[name]
    path = folder / path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    read(folder)


def read_kind(name, put, folder):
    path, read = READERS[name]
    path = folder / path
    path.parent.mkdir(exist_ok=True)
    put(path)
    read(folder)


def resume(folder):
    """Resumes a small training from the backups in a folder."""
    backup = keras_ccar.BackupAndResume(folder, 2)
    backup.set_model(classifier())
    backup.on_train_begin()


def resume_from(content, folder):
    """Resumes from a backup whose name has the checksum of its content."""
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"epoch-1-batch-2-sha256-{digest}.weights.h5"
    path.write_bytes(content)
    resume(folder)


def changed_weights(change):
    """The content of a weights file of which `change` has changed a dataset."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        model = classifier()
        path = "whole.weights.h5"
        model.save_weights(path)
        with h5py.File(path) as whole:
            for name in whole:
                whole.copy(name, file)
        os.unlink(path)
        names = []
        file.visititems(
            lambda name, item: (
                names.append(name)
                if isinstance(item, h5py.Dataset) and item.ndim == 2
                else None
            )
        )
        change(file, names[0])
    return content.getvalue()


def _replace(file, name, *arguments, **options):
    del file[name]
    file.create_dataset(name, *arguments, **options)


def _link(file, name, link):
    del file[name]
    file[name] = link


WEIGHTS = {
    "weights of another shape": lambda file, name: _replace(file, name, data=[[1.0]]),
    "weights of text": lambda file, name: _replace(file, name, data=["=1"] * 20),
    "weights that are a pickle": lambda file, name: _replace(
        file, name, data=np.void(PICKLE)
    ),
    "weights without end": lambda file, name: _replace(
        file, name, (2**40, 2**20), "float32", chunks=(1, 1)
    ),
    "weights in another file": lambda file, name: _link(
        file, name, h5py.ExternalLink("/etc/hostname", "/")
    ),
    "weights that link to themselves": lambda file, name: _link(
        file, name, h5py.SoftLink(f"/{name}")
    ),
    "no weights": lambda file, name: file.clear(),
}
# What stands in a folder of backups beside or instead of them.
NAMES = {
    "a folder": "epoch-1-batch-2.weights.h5",
    "a position without end": f"epoch-{'9' * 60}-batch-{'9' * 60}.weights.h5",
    "a position in other digits": "epoch-١-batch-٢.weights.h5",
}


def resume_from_folder(name, folder):
    """Resumes where a folder has the name of a backup."""
    (folder / name).mkdir()
    resume(folder)


def nested(depth):
    config = {"class_name": "CCARWeighting", "config": {}}
    for _ in range(depth):
        config = {"class_name": "CCARWeighting", "config": {"pivot": config}}
    return config


# Settings of a saved loss.
CONFIGS = {
    "a function of the system": {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    },
    "a class of the system": {
        "module": "subprocess",
        "class_name": "Popen",
        "config": {"args": ["touch", CANARY]},
        "registered_name": None,
    },
    "a function that is built in": {
        "module": "builtins",
        "class_name": "exec",
        "config": CODE,
        "registered_name": None,
    },
    "a lambda": {
        "class_name": "__lambda__",
        "config": {"value": "4wAAAAAAAAAAAAAAAAAAAAA=", "defaults": None},
    },
    "code as text": f"lambda p, f: {CODE}",
    "a path": "../../../../etc/passwd",
    "objects in objects": nested(200),
    "a list": [CODE],
    "a number of 400 digits": 10**400,
    "not a number": float("nan"),
    "a class of keras that loads files": {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": "/tmp"},
        "registered_name": None,
    },
}


def load_config(field, value, folder):
    """Makes a loss of a saved configuration."""
    saved = keras.saving.serialize_keras_object(keras_ccar.CCARLoss([3, 1]))
    saved["config"][field] = value
    loss = keras.saving.deserialize_keras_object(saved)
    return [f"{field} is {getattr(loss, field)!r}"] if field != "name" else []


def load_model(value, folder):
    """Loads a saved model whose loss has a hostile weighting."""
    path = folder / "model.keras"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", keras_ccar.CCARLoss([3, 1], from_logits=True))
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    config["compile_config"]["loss"]["config"]["pivot"] = value
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    keras.models.load_model(path)
    return ["the model was loaded"]


def _png(size, mode="L"):
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")
    return file.getvalue()


IMAGES = {
    "empty": b"",
    "a pickle": PICKLE,
    "a page": f"<html><script>{CODE}</script>".encode(),
    "cut off": _png((8, 8))[:-30],
    "enormous": _png((20_000, 20_000), "1"),
    "a program": b"\x7fELF" + bytes(100),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n"
    b"(canary) (w) file closefile\n",
}


def make_images(name, folder):
    """Makes a folder of images of two classes, one of which has a name."""
    for label in ("a", name):
        (folder / label).mkdir()
        (folder / label / "0.png").write_bytes(_png((8, 8)))
    return folder / name


def read_class(name, folder):
    """Reads a folder of images of a class with a hostile name."""
    make_images(name, folder)
    data = keras_ccar.datasets.from_directory(folder)
    return [] if set(data.class_names) == {"a", name} else ["the name is another"]


def read_image(content, folder):
    """Reads a folder of images, one of which is hostile."""
    (make_images("b", folder) / "1.png").write_bytes(content)
    keras_ccar.datasets.from_directory(folder)
    return ["it was read as an image"]


def read_pipe(folder):
    """Reads a folder of images, one of which is a pipe."""
    os.mkfifo(make_images("b", folder) / "1.png")
    keras_ccar.datasets.from_directory(folder)
    return ["a pipe was read"]


EXPORTS = {
    "class names as one text": {"class_names": "ab"},
    "class names that are code": {"class_names": [Unpickled(), Unpickled()]},
    "a version that is a path": {"version": "../../x"},
    "a version without end": {"version": 10**5_000},
    "a negative version": {"version": -1},
    "a path with a zero byte": {"path": "a\0b"},
    "an empty path": {"path": ""},
    "a path of half a character": {"path": "\ud800"},
}


def export(options, folder):
    """Exports a model with hostile arguments."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    keras_ccar.serving.export(model, **{"path": folder / "model", **options})
    return ["the model was exported"]


COMMANDS = {
    "a method that is a path": ("digits-lt", "--methods", "../../x"),
    "a method that is code": ("digits-lt", "--methods", f"ccar[strength={CODE}]"),
    "a form that is a script": ("digits-lt", "--methods", "ccar[form=<script>]"),
    "a recipe that is a path": ("digits-lt", "--recipe", "../../x"),
    "data that are a path": ("../../etc/passwd",),
    "a network that is code": ("digits-lt", "--model", CODE),
    "epochs without end": ("digits-lt", "--epochs", "9" * 5_000),
    "a rate that is not a number": ("digits-lt", "--learning-rate", "nan"),
    "seeds without end": ("digits-lt", "--seeds", "9" * 400),
    "an output with a zero byte": ("digits-lt", "--output", "a\0b"),
    "an output that is a device": ("digits-lt", "--output", "/dev/null/x"),
}


def compare(arguments, folder):
    """Asks for a comparison that cannot be."""
    command("compare", *arguments)
    return ["the comparison ran"]


PATHS = {
    "a zero byte": "a\0b",
    "empty": "",
    "bytes": b"a",
    "a number": 3,
    "too long": "a" * 100_000,
    "half a character": "\ud800",
    "a device": "/dev/null",
}


def read_path(path, folder):
    """Reads a comparison from a path that is none."""
    Comparison.read(path)
    return ["something was read"]


def backup_path(path, folder):
    """Keeps backups at a path that is none."""
    resume(path)
    return ["something was written"]


def report_path(path, folder):
    """Asks for a report of a path that is none."""
    command("report", path)
    return ["something was reported"]


def _cases():
    """Every case: what is read, what is hostile about it, and how it is tried."""
    for name, text in TEXTS.items():
        yield "names of a comparison", name, (report_of_names, text)
        yield "names of a training", name, (training_of_names, text)
        if len(text.encode()) < 200 and not {"/", "\0"} & set(text):  # A file's name.
            yield "names of folders", name, (read_class, text)
    for of in READERS:
        for name, content in CONTENTS.items():
            yield of, name, (read_content, of, content)
        for name, put in KINDS.items():
            yield of, name, (read_kind, of, put)
    for name, content in CONTENTS.items():
        yield "backup", name, (resume_from, content)
    for name, change in WEIGHTS.items():
        yield "backup", name, (_resume_from_changed, change)
    for name, file_name in NAMES.items():
        yield "backup", name, (resume_from_folder, file_name)
    for name, value in CONFIGS.items():
        for field in ("pivot", "form", "adjustment", "class_counts", "reduction"):
            yield f"saved setting {field}", name, (load_config, field, value)
        yield "saved model", name, (load_model, value)
    for name, content in IMAGES.items():
        yield "image", name, (read_image, content)
    yield "image", "a pipe", (read_pipe,)
    for name, options in EXPORTS.items():
        yield "export", name, (export, options)
    for name, arguments in COMMANDS.items():
        yield "compare", name, (compare, arguments)
    for name, path in PATHS.items():
        yield "path of results", name, (read_path, path)
        yield "path of backups", name, (backup_path, path)
        yield "path of a report", name, (report_path, path)


def _resume_from_changed(change, folder):
    resume_from(changed_weights(change), folder)


CASES = list(_cases())
