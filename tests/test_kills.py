import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("kills.py")


@pytest.mark.slow
def test_killed_trainings_lose_nothing(tmp_path):
    output = tmp_path / "kills.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "2", "--output", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    totals = json.loads(output.read_text("utf-8"))["totals"]
    assert totals["kills"] >= 2
    assert totals["trainings"] >= 1
    assert totals["lost"] == 0
