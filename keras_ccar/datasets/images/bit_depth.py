"""Tells images of 16 bits whose values fall together when they become 8 bits."""

import threading
import warnings

import numpy as np

_VALUES = 2**16
_SHADES = 256
# Values that become so few shades, a quarter of all, have lost what they had.
_FEW_SHADES = 64
# A few dead or hot pixels do not count.
_NEARLY_ALL = 0.99
# Masks and palettes have few values, none of which is lost.
_FEWEST_VALUES_A_SHADE = 4


def shades_of(values: np.ndarray) -> np.ndarray:
    """Returns values of 16 bits, as whole numbers of more bits, as 8 bits."""
    return (values + 128) // 257


class BitDepth:
    """The values of the images of 16 bits in a data set.

    Threads may add images side by side.
    """

    def __init__(self) -> None:
        self._grays = np.zeros(_VALUES, "int64")
        self._colors = np.zeros(_SHADES, "int64")
        self._lock = threading.Lock()

    def add_gray(self, values: np.ndarray) -> None:
        """Adds an image of grey, with its values of 16 bits."""
        counts = np.bincount(values.ravel(), minlength=_VALUES)
        with self._lock:
            self._grays += counts

    def add_color(self, upper: np.ndarray) -> None:
        """Adds an image of colours, of whose values only the upper 8 bits are known."""
        counts = np.bincount(upper.ravel(), minlength=_SHADES)
        with self._lock:
            self._colors += counts

    def describe_unused(self, where: str) -> str | None:
        """Returns what to say of 16-bit images that use few of their values, or None.

        They use 14 bits or fewer, or a narrow band.
        """
        return self._describe_dark(where) or self._describe_band(where)

    def _describe_dark(self, where: str) -> str | None:
        has_colors = bool(self._colors.any())
        brightest = _largest(self._colors)
        color = 256 * brightest + 255 if brightest else 0
        largest = max(_largest(self._grays), color)
        if not 0 < largest < 2**14:
            return None
        # Devices write 8, 10, 12 or 14 bits.
        bits = largest.bit_length() + largest.bit_length() % 2
        factor = 2 ** (16 - bits)
        code = (
            f"`Image.fromarray(np.asarray(Image.open(file)) * np.uint16({factor}))"
            ".save(file)` with Pillow"
        )
        if has_colors:
            code = "Pillow keeps only 8 bits of colours: use a program that keeps 16"
        return (
            f"The 16-bit images in {where} use values up to {largest:,} of 65,535, as "
            f"images of {bits} bits do: they are read as nearly black, in at most "
            f"{largest // 257 + 2} shades. Multiply the values of all of them by "
            f"{factor} first ({code}), and those of images that the model will be "
            "asked about."
        )

    def _describe_band(self, where: str) -> str | None:
        found = _gray_band(self._grays)
        if found is not None:
            low, high, shades = found
            how = (
                f"`Image.fromarray(((np.asarray(Image.open(file)).clip({low}, {high}) "
                f"- {low}) * (65535 / {high - low})).astype('uint16')).save(file)` "
                "with Pillow"
            )
        else:
            frequent = _frequent(self._colors)
            if len(frequent) < 2 or np.ptp(frequent) >= _FEW_SHADES:
                return None
            low, high = 256 * int(frequent.min()), 256 * int(frequent.max()) + 255
            shades = len(frequent)
            how = "Pillow keeps only 8 bits of colours: use a program that keeps 16"
        return (
            f"The 16-bit images in {where} have nearly all their detail in values from "
            f"{low:,} to {high:,} of 65,535, of which {shades} of 256 shades are left "
            "as they are read. Spread these values over all 65,535 first, those of all "
            f"images alike ({how}), and those of images that the model will be asked "
            "about."
        )

    def warn_of_unused(self, where: str) -> None:
        """Warns of 16-bit images that use 14 bits or fewer, or a narrow band."""
        message = self.describe_unused(where)
        if message:
            warnings.warn(message, stacklevel=3)


def _largest(counts: np.ndarray) -> int:
    """Returns the largest value that is there, given how often each is; or 0."""
    return int(np.flatnonzero(counts).max(initial=0))


def _frequent(counts: np.ndarray) -> np.ndarray:
    """Returns the fewest shades that nearly all pixels have, in their order."""
    order = np.argsort(-counts, kind="stable")
    reached = np.cumsum(counts[order])
    number = np.searchsorted(reached, _NEARLY_ALL * reached[-1]) + 1
    frequent = order[:number]
    return np.sort(frequent[counts[frequent] > 0])


def _gray_band(counts: np.ndarray) -> tuple[int, int, int] | None:
    """Returns the ends of the values whose detail is lost, and their shades.

    Args:
        counts: how often each value of 16 bits is there.
    """
    shades = shades_of(np.arange(_VALUES))
    frequent = _frequent(np.bincount(shades, counts, _SHADES))
    if not 0 < len(frequent) < _FEW_SHADES:
        return None
    # A background stands apart from the band of the picture.
    bands = np.split(frequent, np.flatnonzero(np.diff(frequent) > 1) + 1)
    values = [np.flatnonzero(np.isin(shades, band) & (counts > 0)) for band in bands]
    widest = max(range(len(bands)), key=lambda i: len(values[i]))
    band, inside = bands[widest], values[widest]
    is_most = len(inside) > sum(map(len, values)) / 2
    if not is_most or len(inside) <= _FEWEST_VALUES_A_SHADE * len(band):
        return None
    return int(inside[0]), int(inside[-1]), len(band)
