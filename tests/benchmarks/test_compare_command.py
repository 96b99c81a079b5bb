"""The page of the command shows what the script runs."""

import re

import numpy as np
import pandas as pd
import pytest
from compare_command import ASK, COMMANDS, PAGE, TABLE, write
from PIL import Image, ImageOps

from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.sources.columns import _input_names
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
