"""Trains under MultiWorkerMirroredStrategy, as one of several workers."""

import json
import os
import sys
import time
from pathlib import Path

options, path = json.loads(sys.argv[1]), sys.argv[2]
os.environ["TF_CONFIG"] = json.dumps(
    {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in options["ports"]]},
        "task": {"type": "worker", "index": options["index"]},
    }
)

import tensorflow as tf  # noqa: E402

# Before anything else of TensorFlow.
strategy = tf.distribute.MultiWorkerMirroredStrategy()

from distribution import train  # noqa: E402

import keras_ccar  # noqa: E402

with strategy.scope():
    model = train.build(train.DEFAULTS)
x, y = train.data(64)
outcome = {}
try:
    callback = keras_ccar.CCARCallback()
    model.fit(x, y, batch_size=32, verbose=0, callbacks=[callback])
    outcome["count"] = callback.statistics()["count"].tolist()
except RuntimeError as error:
    outcome["error"] = str(error)
path = Path(path)
path.write_text(json.dumps(outcome))
# Whoever is still at work needs this one; but not for ever, if it failed.
others = [path.with_name(f"{index}.json") for index in range(len(options["ports"]))]
for _ in range(600):
    if all(other.exists() for other in others):
        break
    time.sleep(0.1)
os._exit(0)  # leaving a cluster waits for the others
