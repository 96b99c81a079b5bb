"""Variants of one method, which differ by the settings of its loss alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VariantGroup:
    """A method and its variants.

    Attributes:
        reference: the method with the settings of the whole comparison, as
            `results.json` holds it.
        variants: the same method with settings of its own, such as
            `ccar[strength=3]`, in the order of the results.
    """

    reference: dict
    variants: tuple[dict, ...]


def group_variants(methods):
    """Returns the methods that the results hold with other settings too.

    Args:
        methods: the methods of a `Comparison`.
    """
    by_name = {method["name"]: method for method in methods}
    variants = {}
    for name, method in by_name.items():
        base, bracket, _ = name.partition("[")
        if bracket and base in by_name:
            variants.setdefault(base, []).append(method)
    return [VariantGroup(by_name[base], tuple(own)) for base, own in variants.items()]
