import pytest

from keras_ccar.benchmark.report.markdown import (
    code_block,
    code_span,
    escape_markdown,
    link_target,
    markdown_table,
)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[a](http://b)", r"[a\](http://b)"),
        ("![a](b)", r"![a\](b)"),
        ("[a][b]", r"[a\][b]"),
        ("[a]: b", r"[a\]: b"),
        # The backslash is text, and does not undo the escape.
        (r"[a\](b)", r"[a\\\](b)"),
        ("<http://b>", "&lt;http://b>"),
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("a\nb\r\n c", "a b c"),
        ("`a` *b*", r"\`a\` \*b\*"),
        # What reports are full of stays readable.
        ("+1.2 [−0.5, 2.9] (3 seeds)", "+1.2 [−0.5, 2.9] (3 seeds)"),
        ("ccar[strength=3,normalize], batch_size 100", None),
    ],
)
def test_text_becomes_no_markup(text, escaped):
    assert escape_markdown(text) == (text if escaped is None else escaped)


def test_a_cell_neither_ends_early_nor_begins_a_row():
    table = markdown_table([["a", "b"], ["x|y\n| z", "1"]])
    assert len(table.splitlines()) == 3
    assert table.splitlines()[2].split() == ["|", r"x\|y", r"\|", "z", "|", "1", "|"]


def test_targets_of_links():
    assert link_target("figures/digits-lt/a_b.png") == "figures/digits-lt/a_b.png"
    assert link_target("a b/(c)[d].png") == "a%20b/%28c%29%5Bd%5D.png"
    assert link_target("é") == "%C3%A9"
    assert link_target("\udcff") == "%FF"  # a byte that is no UTF-8


def test_code_holds_any_backticks():
    assert code_span("a b") == "`a b`"
    assert code_span("a ``b` c") == "``` a ``b` c ```"
    assert code_block("a") == "```\na\n```"
    assert code_block("a\n````\nb") == "`````\na\n````\nb\n`````"
