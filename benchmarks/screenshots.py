"""Writes docs/screenshots: pages of the site, and a report, on a phone and a laptop.

Run by `make screenshots`, which builds the site first.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from browser import HEIGHT, ROOT, SITE, WIDTHS, opened_browser, served
from PIL import Image

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures.all_figures import draw_all
from keras_ccar.benchmark.report.write import write_report
from keras_ccar.posthoc import evaluate_classes

FOLDER = ROOT / "docs" / "screenshots"
RESULTS = ROOT / "benchmarks" / "results" / "digits-lt"
PAGES = {"home": "", "many-classes": "many-classes/", "results": "results/"}


def write_reports(folder: Path) -> None:
    """Writes `report.html` of a comparison and `classes.html` of invented answers."""
    comparison = Comparison.read(RESULTS)
    write_report(comparison, folder, draw_all(comparison))
    random = np.random.default_rng(0)
    labels = np.arange(600) % 30
    logits = random.normal(size=(600, 30)) + 3 * np.eye(30)[labels]
    report = evaluate_classes(
        logits,
        labels,
        class_counts=np.geomspace(1000, 5, 30).astype(int),
        class_names=[f"a_class_whose_name_is_long_{label}" for label in range(30)],
        from_logits=True,
    )
    report.to_html(folder / "classes.html")


def small_png(screenshot: bytes) -> bytes:
    """Returns a screenshot with 64 colours."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    content = io.BytesIO()
    picture.quantize(64, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def main() -> None:
    """Takes the screenshots."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as reports, opened_browser() as chromium:
        write_reports(Path(reports))
        with served(SITE) as site, served(Path(reports)) as others:
            addresses = {name: site + path for name, path in PAGES.items()}
            addresses["report"] = others + "report.html"
            for name, address in addresses.items():
                for width in (WIDTHS[0], WIDTHS[-1]):
                    size = {"width": width, "height": HEIGHT}
                    page = chromium.new_page(viewport=size)
                    page.goto(address, wait_until="networkidle")
                    path = FOLDER / f"{name}-{width}.png"
                    path.write_bytes(small_png(page.screenshot()))
                    page.close()
                    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
