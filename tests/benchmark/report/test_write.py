import re

from made_results import made_under_recipe

from keras_ccar.benchmark.report.write import html, markdown


def test_names_are_text_in_every_part_of_the_page():
    results = made_under_recipe("plain")
    name = "<i>x</i> & 'y'"
    for part in (results.dataset, results.recipe):
        part["name"] = name
    results.methods[0]["title"] = name
    results.run_entries[0].update(status="failed", error=name)
    results.command = name
    page = html(results, {})
    assert "<i>" not in page
    assert page.count("&lt;i&gt;x&lt;/i&gt; &amp; &#39;y&#39;") >= 5
    text = re.sub("```.*?```", "", markdown(results, {}), flags=re.DOTALL)
    assert "<i>" not in text
