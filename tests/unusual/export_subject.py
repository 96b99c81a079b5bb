"""`export`: what the SavedModel answers."""

import tempfile

import keras
import numpy as np
from unusual import oracle
from unusual.calls import COUNTS, K, sane_call
from unusual.subjects import Subject

import keras_ccar


class ExportSubject(Subject):
    """A classifier of K classes with a correction, whose logits are its inputs."""

    family = "export"
    takes_counts = False
    is_compiled = False

    def __init__(self):
        super().__init__("export", keras_ccar.serving.export)

    def sane_call(self, shape):
        return sane_call(shape, from_logits=True)

    def run_eagerly(self, call):
        import tensorflow as tf

        layer = keras.layers.Dense(K, use_bias=False)
        model = keras.Sequential([keras.Input((K,)), layer])
        layer.set_weights([np.eye(K)])
        names = call.arguments["class_names"]
        with tempfile.TemporaryDirectory() as folder:
            correction = keras_ccar.LogitCorrection(COUNTS)
            path = self.make(model, folder, names, correction, warm_up=False)
            served = tf.saved_model.load(str(path)).signatures["serving_default"]
            answer = served(inputs=tf.constant(call.predictions))
        served_names = [name.decode() for name in answer["class_names"].numpy()[0]]
        assert served_names == [str(name) for name in names]
        return answer["probabilities"].numpy()

    def expected(self, call):
        corrected = oracle.correct(call.meaning.predictions, COUNTS)
        return np.exp(oracle.log_softmax(corrected))
