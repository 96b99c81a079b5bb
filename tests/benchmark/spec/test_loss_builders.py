import keras

from keras_ccar.benchmark.spec.loss_builders import ConstantWeight, loss_builder
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.losses import LogitAdjustedLoss, LongTailedCrossentropy

COUNTS = [500, 100, 20, 5]


def test_a_constant_weight_is_saved_with_its_loss():
    loss = LongTailedCrossentropy(COUNTS, weighting=ConstantWeight(1.5))
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert again.weighting.weight == 1.5


def test_a_builder_passes_options_and_fixed_settings():
    build = loss_builder(LogitAdjustedLoss, "tau", smoothing=1.0)
    config = build(COUNTS, LossOptions(tau=0.5, strength=3.0)).get_config()
    assert (config["tau"], config["smoothing"]) == (0.5, 1.0)
    assert config["from_logits"] is True
