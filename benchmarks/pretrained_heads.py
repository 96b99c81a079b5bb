"""What the prior and what confidence add, on features of a pretrained network.

Heads are trained on features of EfficientNet-Lite0 (ImageNet) of CIFAR-100-LT, by all
methods of `pretrained_methods.py`. The learning rate and the weight decay of every
method are chosen on a part of the training images that is held out, from the same
candidates, with one seed; then heads are trained on all training images with other
seeds. The test images are used for the numbers alone. A seed decides the first weights
and the order of the batches, and is the same for all methods.

What was trained is written as it is done into `benchmarks/results/pretrained/`; started
again, the script goes on where it stopped. The features need
`pip install -e '.[features]'`, and the images `TFDS_DATA_DIR`.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from image_features import SIZE, load_features
from pretrained_methods import BLOCKS, TAUS, Fitted
from rich.progress import track
from sklearn.metrics import recall_score

from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.training.head_loop import Head, shuffled_order, train_heads
from keras_ccar.datasets.samplers import class_balanced
from keras_ccar.files import read_json, write_json
from keras_ccar.frequencies import shot_groups

FOLDER = Path(__file__).parent / "results" / "pretrained"
COMMAND = "python benchmarks/pretrained_heads.py"
IMBALANCE_FACTORS = (100, 200, 50, 10)
SEEDS = 10
# Of all blocks, before the remaining seeds of any.
FIRST_SEEDS = 3
TUNING_SEED = 1000
CONFIGURATION = {
    "features": "EfficientNet-Lite0, ImageNet, through KerasHub",
    "image_size": SIZE,
    "head": "linear; cosine for LDAM",
    "optimizer": "SGD of PyTorch's form, momentum 0.9, cosine",
    "learning_rates": [0.01, 0.03, 0.1],
    "weight_decays": [5e-4, 5e-3],
    "batch_size": 256,
    "epochs": 30,
    "taus": list(TAUS),
    "held_out": 0.2,
    "chosen_by": "balanced accuracy on held-out training images",
}


def hold_out(labels, seed, share=CONFIGURATION["held_out"]):
    """Returns which examples to fit and which are held out, of every class some.

    At least one example of each class is held out and one is fitted; a class with one
    example is only fitted.
    """
    generator = np.random.default_rng(seed)
    is_held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        count = min(max(1, round(share * len(members))), len(members) - 1)
        is_held_out[members[:count]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def standardised(fit, *others):
    """Returns features with the mean 0 and the deviation 1 of those to fit."""
    mean, deviation = fit.mean(axis=0), fit.std(axis=0)
    deviation[deviation == 0] = 1
    return [((x - mean) / deviation).astype("float32") for x in (fit, *others)]


class Trainer:
    """Trains heads on one set of features, with losses that are built once."""

    def __init__(self, x, y, num_classes):
        self.x, self.y = x, y
        self.counts = np.bincount(y, minlength=num_classes).tolist()
        self._losses = {}

    def train(self, requests, seed):
        """Returns the trained head of each `(method, learning rate, weight decay)`."""
        found = {}
        stacks = {}
        for method, rate, decay in requests:
            key = (method.trained_as, rate, decay)
            stack = stacks.setdefault((method.kind, method.is_class_balanced), {})
            stack[key] = self._head(method, rate, decay)
        for (kind, is_balanced), stack in stacks.items():
            trained = train_heads(
                self.x,
                self.y,
                len(self.counts),
                list(stack.values()),
                self._order(seed, is_balanced),
                kind,
                seed=seed,
            )
            found.update(zip(stack, trained, strict=True))
        fitted = Fitted(self.x, self.y, self.counts, seed)
        return [
            (method.after or (lambda head, fitted: head))(
                found[method.trained_as, rate, decay], fitted
            )
            for method, rate, decay in requests
        ]

    def _head(self, method, rate, decay):
        loss, deferred = self._losses.setdefault(
            method.trained_as[0],
            (
                method.build(self.counts),
                method.build_deferred and method.build_deferred(self.counts),
            ),
        )
        bias = None
        if method.starts_at_prior:
            bias = np.log(np.maximum(self.counts, 1) / np.sum(self.counts))
        return Head(loss, rate, decay, bias, deferred)

    def _order(self, seed, is_balanced):
        size, epochs = CONFIGURATION["batch_size"], CONFIGURATION["epochs"]
        order = shuffled_order(len(self.y), epochs, size, seed)
        if is_balanced:
            examples = (np.arange(len(self.y)), self.y)
            drawn, _ = class_balanced(examples, self.counts, epochs + 1, seed=seed)
            order = drawn[: order.size].reshape(order.shape).astype("int32")
        return order


def measures(head, x, y, groups):
    """Returns accuracies in percent, over all classes and by group."""
    recalls = 100 * recall_score(
        y, head.logits(x).argmax(axis=1), average=None, zero_division=0
    )
    found = {"balanced": recalls.mean()}
    for name, members in groups.items():
        found[name] = recalls[members].mean() if members.any() else None
    return {name: value and round(float(value), 3) for name, value in found.items()}


def tune(methods, train_data, num_classes):
    """Returns what was tried for each method, and the best of it."""
    x, y = train_data
    fit, held_out = hold_out(y, TUNING_SEED)
    fit_x, held_out_x = standardised(x[fit], x[held_out])
    trainer = Trainer(fit_x, y[fit], num_classes)
    candidates = [
        (rate, decay)
        for rate in CONFIGURATION["learning_rates"]
        for decay in CONFIGURATION["weight_decays"]
    ]
    tried = {method.name: [] for method in methods}
    # One candidate at a time is compiled once, and needs a sixth of the memory.
    for candidate in track(candidates, "Tuning", transient=True):
        requests = [(method, *candidate) for method in methods]
        heads = trainer.train(requests, TUNING_SEED)
        for method, head in zip(methods, heads, strict=True):
            score = measures(head, held_out_x, y[held_out], {})["balanced"]
            tried[method.name].append([*candidate, score])
    return {
        name: {"tried": rows, "best": max(rows, key=lambda row: row[2])[:2]}
        for name, rows in tried.items()
    }


class Study:
    """The results of one imbalance factor: read, added to, and written."""

    def __init__(self, imbalance_factor, folder=FOLDER, dataset="cifar100-lt", every=1):
        name = f"{dataset}-if{imbalance_factor:g}"
        self.path = folder / f"{name}.json"
        *pairs, self.data = load_features(imbalance_factor, dataset, every)
        (x, self.y), (test_x, self.test_y) = pairs
        self.raw = x, self.y
        x, self.test_x = standardised(x, test_x)
        self.num_classes = int(self.y.max()) + 1
        self.trainer = Trainer(x, self.y, self.num_classes)
        self.groups = shot_groups(self.trainer.counts)
        self.results = {
            "command": COMMAND,
            "configuration": {
                "data": dataset,
                "imbalance_factor": imbalance_factor,
                "digest": self.data.digest,
                **({"every_class": every} if every > 1 else {}),
                **CONFIGURATION,
            },
            "environment": current_environment(),
            "tuning": {},
            "runs": [],
        }
        if self.path.exists():
            earlier = read_json(self.path)
            if earlier["configuration"] != self.results["configuration"]:
                sys.exit(f"{self.path} holds another configuration: move it away.")
            self.results["tuning"] = earlier["tuning"]
            self.results["runs"] = earlier["runs"]

    def add(self, methods, seed):
        """Trains methods with a seed, unless they are there."""
        done = {(run["method"], run["seed"]) for run in self.results["runs"]}
        methods = [m for m in methods if (m.name, seed) not in done]
        untuned = [m for m in methods if m.name not in self.results["tuning"]]
        if untuned:
            self.results["tuning"] |= tune(untuned, self.raw, self.num_classes)
            self._write()
        if not methods:
            return
        start = time.perf_counter()
        best = [self.results["tuning"][m.name]["best"] for m in methods]
        requests = [(m, *pair) for m, pair in zip(methods, best, strict=True)]
        heads = self.trainer.train(requests, seed)
        seconds = (time.perf_counter() - start) / len(methods)
        for (method, rate, decay), head in zip(requests, heads, strict=True):
            found = measures(head, self.test_x, self.test_y, self.groups)
            self.results["runs"].append(
                {
                    "method": method.name,
                    "family": method.family,
                    "tau": method.tau,
                    "seed": seed,
                    "learning_rate": rate,
                    "weight_decay": decay,
                    **found,
                    "seconds": round(seconds, 2),
                    "commit": self.results["environment"]["commit"],
                }
            )
        self._write()

    def _write(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, self.results)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of seeds")
    parser.add_argument("--imbalance", type=int, nargs="+", default=IMBALANCE_FACTORS)
    parser.add_argument(
        "--blocks", nargs="+", choices=list(BLOCKS), default=list(BLOCKS)
    )
    parser.add_argument("--dataset", default="cifar100-lt", help="or cifar10-lt")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="every tenth class, two seeds, what answers the first questions: minutes",
    )
    options = parser.parse_args(arguments)
    every = 1
    if options.smoke:
        every, options.seeds, options.imbalance = 10, 2, [100]
        options.blocks = ["prior", "confidence"]
    for imbalance_factor in options.imbalance:
        study = Study(imbalance_factor, options.output, options.dataset, every)
        print(study.data.describe(), flush=True)
        for seeds in (
            range(min(FIRST_SEEDS, options.seeds)),
            range(FIRST_SEEDS, options.seeds),
        ):
            for name in options.blocks:
                for seed in seeds:
                    study.add(BLOCKS[name], seed)
                print(time.strftime("%H:%M:%S"), name, list(seeds), flush=True)


if __name__ == "__main__":
    main()
