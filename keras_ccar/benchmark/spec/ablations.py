"""Variants of one method, which differ only in the settings of its loss."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VariantGroup:
    """A method, and the same method with settings such as `ccar[strength=3]`.

    Each is an entry of `methods` in `results.json`; the variants keep its order.
    """

    reference: Mapping[str, Any]
    variants: tuple[Mapping[str, Any], ...]


def group_variants(methods: Iterable[Mapping[str, Any]]) -> list[VariantGroup]:
    """Returns the methods of a `Comparison` that it also holds with other settings."""
    by_name = {method["name"]: method for method in methods}
    variants: dict[str, list[Mapping[str, Any]]] = {}
    for name, method in by_name.items():
        base, bracket, _ = name.partition("[")
        if bracket and base in by_name:
            variants.setdefault(base, []).append(method)
    return [VariantGroup(by_name[base], tuple(own)) for base, own in variants.items()]
