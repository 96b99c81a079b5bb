import json

import pytest
import speed_page
from measuring import SPEED, speed_folder

X86 = """processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu sse2 avx2 {more}
"""
ARM = """processor\t: 0
Features\t: fp asimd bf16
"""


def measurement(**ratios):
    """A file of results with a row for each backend and ratio."""
    rows = [
        {"backend": backend, "loss": "CCARLoss", "ratio": ratio}
        for backend, numbers in ratios.items()
        for ratio in numbers
    ]
    hardware = {"processor": "AMD EPYC", "cores": 2, "accelerators": []}
    environment = {"hardware": hardware, "commit": "abc"}
    return {"command": "python speed.py", "environment": environment, "rows": rows}


@pytest.fixture
def folder(tmp_path):
    files = {
        "new": measurement(tensorflow=[0.5, 0.75], torch=[1.0, 1.25]),
        "old": measurement(tensorflow=[0.7, 0.9], torch=[2.0, 3.0]),
    }
    for kind, content in files.items():
        (tmp_path / kind).mkdir()
        path = tmp_path / kind / "binary_loss_speed.json"
        path.write_text(json.dumps(content))
    return tmp_path


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_a_column_for_each_kind_of_processor_and_the_range_over_all(folder, tmp_path):
    path = tmp_path / "speed.md"
    speed_page.write_page(folder, path)
    text = path.read_text("utf-8")
    header, _, *rows = cells(text)
    assert header == ["backend", "loss", "ratio, new", "ratio, old", "ratio, all"]
    assert rows == [
        ["tensorflow", "CCARLoss", "0.50 to 0.75", "0.70 to 0.90", "0.50 to 0.90"],
        ["torch", "CCARLoss", "1.00 to 1.25", "2.00 to 3.00", "1.00 to 3.00"],
    ]
    for kind in ("new", "old"):
        source = f"`benchmarks/results/speed/{kind}/binary_loss_speed.json`, by"
        assert source in text
    assert speed_page.ONE_KIND not in text
    assert text.count("Not yet run.") == len(speed_page.MEASUREMENTS) - 1


def test_one_kind_of_processor_has_no_range(folder):
    measured = speed_page.read_speed(folder)
    del measured["old"]
    text = speed_page.page(measured)
    assert cells(text)[0] == ["backend", "loss", "ratio, new"]
    assert speed_page.ONE_KIND in text


def test_what_only_one_processor_measured_is_a_dash(folder):
    measured = speed_page.read_speed(folder)
    del measured["old"]["binary_loss_speed.json"]["rows"][2:]
    text = speed_page.page(measured)
    assert ["torch", "CCARLoss", "1.00 to 1.25", "–", "1.00 to 1.25"] in cells(text)


def test_every_committed_file_is_on_the_page():
    known = {measurement.file for measurement in speed_page.MEASUREMENTS}
    assert {path.name for path in SPEED.glob("*/*.json")} <= known


@pytest.mark.parametrize(
    ("cpu_info", "name"),
    [
        (X86.format(more=""), "amd-epyc-avx2"),
        (X86.format(more="avx512f avx512_bf16"), "amd-epyc-avx512f-avx512-bf16"),
        (X86.format(more="avx512f avx512_bf16 amx_bf16"), "amd-epyc-avx512f-amx-bf16"),
    ],
)
def test_the_folder_tells_processors_of_one_name_apart(cpu_info, name):
    assert speed_folder(cpu_info) == SPEED / name


def test_the_folder_of_a_processor_without_a_name():
    assert speed_folder(ARM).name.endswith("-asimd-bf16")
    assert speed_folder("").parent == SPEED
