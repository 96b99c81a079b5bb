"""The policy that AutoAugment found for CIFAR-10, as arrays."""

import numpy as np

# The magnitudes of each operation at the levels 0 to 9, and whether their sign is
# drawn. Shear is a fraction, rotation is in radians clockwise, translation is a share
# of the side, and the factor of an enhancement is 1 plus the magnitude.
_LEVELS = np.linspace(0, 1, 10)
_OPERATIONS = {
    "identity": (0 * _LEVELS, False),
    "shear_x": (0.3 * _LEVELS, True),
    "shear_y": (0.3 * _LEVELS, True),
    "translate_x": (150 / 331 * _LEVELS, True),
    "translate_y": (150 / 331 * _LEVELS, True),
    "rotate": (-np.pi / 6 * _LEVELS, False),
    "brightness": (0.9 * _LEVELS, True),
    "color": (0.9 * _LEVELS, True),
    "contrast": (0.9 * _LEVELS, True),
    "sharpness": (0.9 * _LEVELS, True),
    "posterize": (8 - np.round(4 * _LEVELS), False),
    "solarize": (256 * (1 - _LEVELS), False),
    "auto_contrast": (0 * _LEVELS, False),
    "equalize": (0 * _LEVELS, False),
    "invert": (0 * _LEVELS, False),
}
CODES = {name: code for code, name in enumerate(_OPERATIONS)}
MAGNITUDES = np.array([levels for levels, _ in _OPERATIONS.values()], "float32")
IS_SIGNED = np.array([is_signed for _, is_signed in _OPERATIONS.values()])

# Table 7 of the paper: two operations, each with its probability and its level.
CIFAR_POLICY = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("auto_contrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("auto_contrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("auto_contrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("auto_contrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("auto_contrast", 0.9, 1)),
)
POLICY_CODES = np.array([[CODES[o] for o, _, _ in row] for row in CIFAR_POLICY])
POLICY_CHANCES = np.array([[chance for _, chance, _ in row] for row in CIFAR_POLICY])
POLICY_LEVELS = np.array([[level for _, _, level in row] for row in CIFAR_POLICY])
