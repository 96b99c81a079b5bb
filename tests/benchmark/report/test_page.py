from made_results import made_results

from keras_ccar.benchmark.report.page import HOW_MEASURED, PageText, page

SHORT = made_results({"ce": [38.0, 38.5], "ccar": [38.1, 39.0]}, epochs=5)
LONG = made_results({"ce": [38.0, 38.5], "ccar": [38.1, 39.0]}, epochs=6)
MEASUREMENT = {
    "command": "python speed.py",
    "environment": SHORT.environment,
    "rows": [{"way": "ours", "images_per_second": 1234.5}],
}


def test_the_longest_training_comes_first():
    text = page({"a": SHORT, "b": LONG}, {"a": [], "b": []}, {})
    head, *sections = text.split("\n## ")
    assert head.index(", 6 epochs") < head.index(", 5 epochs")
    assert ", 6 epochs" in sections[0].partition("\n")[0]
    assert HOW_MEASURED in head
    for section in sections:
        unfolded, folded = section.split("<details ")
        assert "### " not in unfolded
        assert "### Ranking" in folded


def test_what_a_page_says_beside_its_results():
    said = PageText(
        introduction=("First.", "Second."),
        measurement_notes={"speed.json": "A note."},
        measurement_folder="somewhere/",
        appendix=("## More",),
    )
    text = page({"a": SHORT}, {"a": []}, {"speed.json": MEASUREMENT}, said)
    assert "\n\nFirst.\n\nSecond.\n\n## " in text
    folded = text.partition("## Speed\n\n<details ")[2].partition("</details>")[0]
    assert "\n\n### speed.json\n\nA note.\n\n| way" in folded
    assert "`somewhere/speed.json`, by `python speed.py` on " in folded
    assert text.endswith("\n\n## More\n")
    assert HOW_MEASURED not in text
