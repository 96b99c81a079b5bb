"""The page of the command shows what the script runs."""

import re

import numpy as np
import pandas as pd
import pytest
from compare_command import ASK, COMMANDS, PAGE, TABLE, write
from PIL import Image, ImageOps

from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.sources.tables.columns import _input_names
from keras_ccar.datasets.images.decoding import decode_image

TEXT = PAGE.read_text("utf-8")
MARK = "<!-- made by benchmarks/compare_command.py: {} -->\n"


@pytest.mark.parametrize("name", [*COMMANDS, *(f"ask-{name}" for name in ASK)])
def test_the_page_has_a_place_for_each_transcript(name):
    assert TEXT.count(MARK.format(name)) == 1
    if name in COMMANDS:
        assert COMMANDS[name] in TEXT


def test_transcripts_are_of_the_commands_that_the_script_runs():
    made = re.findall(r"<!-- made by \S+: (\S+) -->\n```text\n(.*?)\n```\n", TEXT, re.S)
    assert "count" in dict(made)
    for name, transcript in made:
        if name in COMMANDS:
            assert transcript.startswith(f"$ {COMMANDS[name]}\n")
            assert re.search(r"\n# took \d+ s$", transcript)


def test_a_transcript_is_replaced(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{MARK.format('count')}```text\nold\n```\nb\n", "utf-8")
    monkeypatch.setattr("compare_command.PAGE", page)
    write({"count": "```text\nnew \\1\n```"})
    expected = f"a\n{MARK.format('count')}```text\nnew \\1\n```\nb\n"
    assert page.read_text("utf-8") == expected
    with pytest.raises(SystemExit, match="must have the mark"):
        write({"table": "new"})


@pytest.mark.parametrize("name", list(ASK))
def test_the_page_shows_the_programs_of_the_script(name):
    assert f"{MARK.format(f'ask-{name}')}```text\n{ASK[name]}\n# prints\n" in TEXT


def test_the_client_reads_images_as_the_training_does(tmp_path):
    start = ASK["photos"].index("def read_image")
    code = ASK["photos"][start : ASK["photos"].index("serve = ")]
    space = {"np": np, "Image": Image, "ImageOps": ImageOps}
    exec(code, space)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 4)).astype("uint8")
    transparent = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    transparent.save(tmp_path / "a.png")
    transparent.convert("RGB").save(tmp_path / "b.jpg", exif=exif)
    transparent.convert("P").save(tmp_path / "c.gif", transparency=3)
    transparent.convert("L").save(tmp_path / "d.png", transparency=7)
    transparent.convert("CMYK").save(tmp_path / "e.jpg")
    transparent.convert("P").save(tmp_path / "f.png")
    deep = pixels[..., 0].astype("uint16") * 257 - np.uint16(100)
    Image.fromarray(deep).save(tmp_path / "g.png", transparency=int(deep[0, 0]))
    Image.fromarray(deep).save(tmp_path / "h.png", exif=exif)
    Image.fromarray(deep).save(tmp_path / "i.tif")
    for path in sorted(tmp_path.iterdir()):
        expected = decode_image(path.read_bytes(), path.name)
        np.testing.assert_array_equal(space["read_image"](path), expected, path.name)


def test_the_rule_of_the_names_of_inputs():
    names = ["Betrag in Euro (größer)", "2nd", "(%)", "a b", "a-b", "a_b", "_x_"]
    expected = ["Betrag_in_Euro_gr_er", "column_2nd", "column", "a_b", "a_b_2", "a_b_3"]
    assert list(_input_names(names).values()) == [*expected, "x"]


@pytest.mark.tensorflow_only
def test_the_client_sends_real_columns_with_missing_values(
    tmp_path, monkeypatch, capsys
):
    """The program of the page, with the dict that the command printed."""
    import tensorflow as tf

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    answer = np.repeat([0, 1], [60, 20])
    rows = pd.DataFrame(
        {
            "Betrag in Euro (größer)": random.normal(answer, 1),
            "2. Farbe": random.choice(["rot", "grün"], 80),
            "neu": random.random(80) < 0.5,
            "size": random.normal(answer, 1),
            "Class": answer,
        }
    )
    rows.loc[0, ["2. Farbe", "size"]] = None
    rows.to_csv(f"{TABLE}.csv", index=False)
    options = [
        "--label",
        "Class",
        "--losses",
        "ce",
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--export",
    ]
    assert main(["compare", f"{TABLE}.csv", *options, f"served/{TABLE}"]) == 0
    out = capsys.readouterr().out
    (renamed,) = re.findall(r"^renamed = (\{\n.*?^\})$", out, re.S | re.M)
    assert eval(renamed) == {
        "Betrag in Euro (größer)": "Betrag_in_Euro_gr_er",
        "2. Farbe": "column_2_Farbe",
    }
    space = {}
    exec(ASK["table"].replace("renamed = {}", f"renamed = {renamed}"), space)
    sent = {
        "Betrag_in_Euro_gr_er": rows.iloc[0, 0],
        "neu": float(rows.iloc[0, 2]),
        "size": np.nan,
    }
    sent = {name: tf.constant([[value]], "float32") for name, value in sent.items()}
    expected = space["serve"](**sent, column_2_Farbe=tf.constant([[""]]))
    np.testing.assert_array_equal(
        space["answer"]["probabilities"], expected["probabilities"]
    )


def messy(thousands, point):
    """Codes of digits, gaps, question marks, answers, and marks in numbers."""
    random = np.random.default_rng(0)
    signs = str.maketrans({",": thousands, ".": point})
    answer = np.repeat([0, 1], [60, 20])
    prices = random.uniform(100, 5000, 80) + 3000 * answer
    rows = pd.DataFrame(
        {
            "Preis (netto)": [f"{price:,.2f}".translate(signs) for price in prices],
            "weight": [f"{x:.3f}".translate(signs) for x in random.gamma(2, 1, 80)],
            "count": random.integers(0, 90, 80).astype(str),
            "code": random.choice(["007", "012", "A1"], 80),
            "is_new": random.choice(["True", "False"], 80),
            "paid": random.choice(["yes", "no"], 80),
            "note": [f"some words about number {i}" for i in range(80)],
            "seconds": (1_700_000_000 + random.integers(0, 600, 80)).astype(str),
            "Class": np.where(answer, "rare", "common"),
        }
    )
    rows.loc[2, ["Preis (netto)", "code", "is_new"]] = ""
    rows.loc[3, ["weight", "paid", "note"]] = ""
    rows.loc[[4, 5], ["weight", "code"]] = "?"
    return rows


@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("divider", "thousands", "point"), [(",", ",", "."), (";", ".", ",")]
)
def test_the_client_answers_as_the_command_does(
    tmp_path, monkeypatch, divider, thousands, point, capsys
):
    monkeypatch.chdir(tmp_path)
    rows = messy(thousands, point)
    rows.to_csv(f"{TABLE}.csv", index=False, sep=divider)
    short = ["--losses", "ce", "--seeds", "1", "--epochs", "5", "--batch-size", "16"]
    options = ["--label", "Class", *short, "--export", f"served/{TABLE}"]
    assert main(["compare", f"{TABLE}.csv", *options, "--output", "out"]) == 0
    comparison = Comparison.read("out")

    def answers(path):
        changes = {
            "renamed = {}": "renamed = {'Preis (netto)': 'Preis_netto'}",
            ".iloc[:1]": "",
        }
        if path == "new.parquet":
            how = f'pd.read_csv("{TABLE}.csv", sep=divider, **cells)'
            changes[how] = f'pd.read_parquet("{path}").astype("string")'
        else:
            changes[f"{TABLE}.csv"] = path
            changes['divider = ","'] = f"{divider=}"
            changes['thousands, point = ",", "."'] = f"{thousands=}; {point=}"
        program = ASK["table"]
        for old, new in changes.items():
            assert program.count(old) == 1
            program = program.replace(old, new)
        space = {}
        exec(program, space)
        return space["answer"]["probabilities"].numpy()[:, 1]

    def check(content, path="new.csv"):
        if path == "new.csv":
            content.to_csv(path, index=False, sep=divider)
        else:
            content.to_parquet(path)
        expected = comparison.predict(path)["probability_rare"]
        np.testing.assert_allclose(answers(path), expected, atol=1e-6)

    check(rows)
    for i in (0, 2, 3, 4):
        check(rows.iloc[[i]])
    check(rows.replace("?", " ?"))
    check(rows.map(" {} ".format).rename(columns=" {} ".format))
    check(rows.assign(is_new=rows["is_new"].map({"True": "yes", "False": "NO"})))
    lost = rows.copy()
    lost.loc[0] = ["12 EUR", "inf", "-", "7", "?", "?", "n/a", "soon", ""]
    lost.loc[1] = ["?"] * 9
    check(lost)
    check(lost.iloc[[1]])
    typed = comparison.predict(f"{TABLE}.csv")[rows.columns]
    assert typed.dtypes[["weight", "count"]].tolist() == ["float64"] * 2
    check(typed, "new.parquet")
