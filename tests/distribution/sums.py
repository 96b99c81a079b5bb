"""Adds more to the statistics of two replicas than float32 can count."""

import json
import sys
from pathlib import Path

import numpy as np
from distribution import train

from keras_ccar.callbacks.class_statistics import ClassStatistics

with train.scope({"setup": "mirrored", "devices": 2}):
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    statistics = ClassStatistics(2)


@tf.function
def add(addition):
    def update(values):
        # The replicas add different numbers.
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        statistics.add_totals(values + tf.cast(replica, "float32"))

    strategy.run(update, args=(addition,))


for addition in (2**24, 0, 2, 2**26 + 8):
    add(tf.fill((2, 4), float(addition)))
counted = statistics.totals()
statistics.reset_sums()
cleared = statistics.totals()
statistics.set_totals(counted)
outcome = {
    "counted": counted[:, 0].tolist(),
    "cleared": cleared[:, 0].tolist(),
    "restored": np.array(statistics.totals())[:, 0].tolist(),
}
Path(sys.argv[2]).write_text(json.dumps(outcome))
