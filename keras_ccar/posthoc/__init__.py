"""What is done to a trained classifier: measured by class, corrected, retrained.

Nothing here trains the network again, apart from its last layer. Everything takes a
model and data that `model.predict` takes, or an array of predictions and their labels.
Choose on validation data that were held out of the training data, never on the test
data.
"""

from keras_ccar.posthoc.by_class.class_evaluation import evaluate_classes
from keras_ccar.posthoc.calibration.temperatures import calibrate
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.conformal.prediction_sets import prediction_sets
from keras_ccar.posthoc.data.outputs import one_output
from keras_ccar.posthoc.decisions.alarm_rate import alarm_rate_at_most
from keras_ccar.posthoc.decisions.least_recall import recall_at_least
from keras_ccar.posthoc.decisions.objectives import precision_at_least
from keras_ccar.posthoc.decisions.thresholds import tune_thresholds
from keras_ccar.posthoc.prior.logit_correction import tune_logit_correction
from keras_ccar.posthoc.prior.prior_estimation import estimate_prior
from keras_ccar.posthoc.retraining.second_stage import retrain_classifier

__all__ = [
    "alarm_rate_at_most",
    "calibrate",
    "chain",
    "estimate_prior",
    "evaluate_classes",
    "one_output",
    "precision_at_least",
    "prediction_sets",
    "recall_at_least",
    "retrain_classifier",
    "tune_logit_correction",
    "tune_thresholds",
]
