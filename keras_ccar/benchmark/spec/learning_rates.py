"""The course of the learning rate under a recipe."""

import math
from typing import Any


def rate_at(recipe: Any, epoch: int) -> float:
    """Returns the learning rate of a `Recipe` in an epoch, counted from 0."""
    # The last epoch of the warm-up has the full rate: 1/5, ..., 5/5.
    warmup = math.floor(recipe.warmup_epochs)
    if epoch < warmup:
        start = recipe.warmup_start or 1 / warmup
        share = epoch / max(warmup - 1, 1)
        return recipe.learning_rate * (start + (1 - start) * share)
    if recipe.schedule.startswith("cosine"):
        left = recipe.epochs - warmup
        # An epoch alone would be trained at a rate of 0.
        is_ahead = recipe.schedule == "cosine_to_zero" and left > 1
        share = (epoch - warmup + is_ahead) / left
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
    factors = [1.0]
    if recipe.schedule == "steps":
        factors += [factor for begin, factor in recipe.decays if epoch >= begin]
    return recipe.learning_rate * factors[-1]
