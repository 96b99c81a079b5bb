"""Statistics and metrics count every sample of a batch that float32 sums cannot count.

`benchmarks/large_batches.py` does so with more samples and in every way.
"""

import large_batches
import numpy as np
import pytest
from compiled import MODES

# Odd numbers: beyond 2^24 float32 holds even ones alone.
RARE, COUNT = 10, 17_200_001


@pytest.fixture(scope="module")
def batch():
    """Labels, and predictions that are right."""
    labels = np.zeros(COUNT, "int32")
    labels[:RARE] = 1
    predictions = np.full((COUNT, 2), [0.75, 0.25], "float32")
    predictions[:RARE] = [0.25, 0.75]
    return labels, predictions


@pytest.mark.slow
def test_statistics_of_a_loss(batch):
    counts = large_batches.counts_of_loss(MODES[-1], *batch)
    assert counts.tolist() == [COUNT - RARE, RARE]


@pytest.mark.slow
def test_metrics_of_classes(batch):
    counts = large_batches.counts_of_metric("_hits")(MODES[-1], *batch)
    assert counts.tolist() == [COUNT - RARE, RARE]


@pytest.mark.slow
def test_calibration(batch):
    (count,) = large_batches.counts_of_calibration(MODES[-1], *batch)
    assert count == COUNT
