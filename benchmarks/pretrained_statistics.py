"""The comparisons of `pretrained_heads.py` that were named before it was run."""

from typing import NamedTuple

import numpy as np
from pretrained_methods import TAUS
from scipy import stats
from yes_or_no_page import holm

from keras_ccar.benchmark.statistics.paired import PairedDifference, paired_difference

CCAR_LA = "ccar+la[normalize]"
RELATIVE = "strength=3,normalize,frequency_scale=largest"


def _at(family, tau):
    """The name of a method of a family at a τ."""
    if family.endswith("]"):
        return f"{family[:-1]},tau={tau:g}]"
    return f"{family}[tau={tau:g}]"


def planned():
    """The pairs `(method, baseline)` of docs/how-ccar-works.md, in its order."""
    along = [
        (CCAR_LA, "la"),
        ("focal+la", "la"),
        (CCAR_LA, "focal+la"),
        ("inverse+la", "la"),
    ]
    return [
        *((_at(ours, tau), _at(peer, tau)) for ours, peer in along for tau in TAUS),
        (_at("la", 1), "ce"),
        ("ccar[normalize]", "ce"),
        ("ccar", "ce"),
        (f"ccar[{RELATIVE}]", "ce"),
        (_at(f"ccar+la[{RELATIVE}]", 1), _at("la", 1)),
    ]


class Compared(NamedTuple):
    """One comparison: p is Holm's, None where there are too few seeds for a test."""

    method: str
    baseline: str
    difference: PairedDifference
    p: float | None


class Runs:
    """The runs of a results file by method and seed."""

    def __init__(self, results):
        self.results = results
        self.methods = {}
        for run in results["runs"]:
            self.methods.setdefault(run["method"], {})[run["seed"]] = run

    def values(self, method, group="balanced"):
        """Returns by seed the accuracy of a method."""
        runs = self.methods.get(method, {})
        return {seed: run[group] for seed, run in runs.items()}

    @property
    def rare(self):
        """The group of the rarest classes: "medium" where no class is few-shot."""
        runs = next(iter(self.methods.values())).values()
        return "medium" if next(iter(runs))["few"] is None else "few"

    def difference(self, method, baseline, group="balanced"):
        """Returns the paired difference, with its interval."""
        return paired_difference(
            self.values(method, group), self.values(baseline, group)
        )

    def compared(self):
        """Returns the comparisons that were planned and can be made."""
        found, p_values = {}, {}
        for pair in planned():
            ours, peers = map(self.values, pair)
            seeds = sorted(ours.keys() & peers.keys())
            if not seeds:
                continue
            found[pair] = self.difference(*pair)
            differences = np.array([ours[seed] - peers[seed] for seed in seeds])
            if len(seeds) > 1 and differences.std():
                p_values[pair] = float(stats.ttest_1samp(differences, 0).pvalue)
        corrected = holm(p_values)
        return [
            Compared(*pair, difference, corrected.get(pair))
            for pair, difference in found.items()
        ]

    def families(self):
        """Returns by family its methods along τ, for those with more than one τ."""
        found = {}
        for name, runs in self.methods.items():
            run = next(iter(runs.values()))
            if run["tau"] is not None:
                found.setdefault(run["family"], {})[run["tau"]] = name
        return {
            family: [name for _, name in sorted(of.items())]
            for family, of in found.items()
            if len(of) > 1
        }

    def trade_off(self, family, baseline="la"):
        """Returns how far accuracy of the rarest is above the curve of a baseline.

        At equal many-shot accuracy, between the τ of the baseline, by linear
        interpolation; the mean over the τ of the family at which the baseline has such
        an accuracy; paired by seed.
        """
        families = self.families()
        if family not in families or baseline not in families:
            return None
        above = {}
        for seed in set.intersection(
            *(set(self.methods[n]) for of in (family, baseline) for n in families[of])
        ):
            curve = sorted(
                (self.methods[name][seed]["many"], self.methods[name][seed][self.rare])
                for name in families[baseline]
            )
            many, rare = map(np.array, zip(*curve, strict=True))
            gains = [
                run[self.rare] - np.interp(run["many"], many, rare)
                for name in families[family]
                if many[0] <= (run := self.methods[name][seed])["many"] <= many[-1]
            ]
            if gains:
                above[seed] = float(np.mean(gains))
        return paired_difference(above, dict.fromkeys(above, 0.0))

    def best_tau(self, family="la"):
        """Returns the τ with the best balanced accuracy on held-out images."""
        scores = {}
        for name in self.families().get(family, ()):
            tried = self.results["tuning"][name]["tried"]
            tau = next(iter(self.methods[name].values()))["tau"]
            scores[tau] = max(row[2] for row in tried)
        return max(scores, key=scores.get) if scores else None
