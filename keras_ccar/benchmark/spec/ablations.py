"""Variants of one method, which differ by the settings of its loss alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A method and its variants.

    Attributes:
        reference: the method with the settings of the whole comparison, as
            `results.json` holds it.
        variants: the same method with settings of its own, such as
            `ccar[strength=3]`, in the order of the results.
    """

    reference: dict
    variants: tuple[dict, ...]


def families(results):
    """Returns the methods that the results hold with other settings too.

    Args:
        results: the dict of `results.json`.
    """
    methods = {method["name"]: method for method in results["methods"]}
    variants = {}
    for name, method in methods.items():
        base, bracket, _ = name.partition("[")
        if bracket and base in methods:
            variants.setdefault(base, []).append(method)
    return [Family(methods[base], tuple(own)) for base, own in variants.items()]
