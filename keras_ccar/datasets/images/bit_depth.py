"""Tells images of 10, 12 or 14 bits that are stored in files of 16."""

import warnings

import numpy as np


class BitDepth:
    """The largest value among the images of 16 bits in a data set.

    Threads may add images side by side.
    """

    def __init__(self) -> None:
        self._largest_grays: list[int] = []
        self._largest_colors: list[int] = []

    def add_gray(self, values: np.ndarray) -> None:
        """Adds an image of grey, with its values of 16 bits."""
        self._largest_grays.append(int(values.max(initial=0)))

    def add_color(self, upper: np.ndarray) -> None:
        """Adds an image of colours, of whose values only the upper 8 bits are known."""
        largest = int(upper.max(initial=0))
        self._largest_colors.append(256 * largest + 255 if largest else 0)

    def describe_unused(self, where: str) -> str | None:
        """Returns what to say of 16-bit images that use 14 bits or fewer, or None."""
        largest = max([0, *self._largest_grays, *self._largest_colors])
        if not 0 < largest < 2**14:
            return None
        # Devices write 8, 10, 12 or 14 bits.
        bits = largest.bit_length() + largest.bit_length() % 2
        factor = 2 ** (16 - bits)
        code = (
            f"`Image.fromarray(np.asarray(Image.open(file)) * np.uint16({factor}))"
            ".save(file)` with Pillow"
        )
        if self._largest_colors:
            code = "Pillow keeps only 8 bits of colours: use a program that keeps 16"
        return (
            f"The 16-bit images in {where} use values up to {largest:,} of 65,535, as "
            f"images of {bits} bits do: they are read as nearly black, in at most "
            f"{largest // 257 + 2} shades. Multiply the values of all of them by "
            f"{factor} first ({code}), and those of images that the model will be "
            "asked about."
        )

    def warn_of_unused(self, where: str) -> None:
        """Warns of 16-bit images that use 14 bits or fewer."""
        message = self.describe_unused(where)
        if message:
            warnings.warn(message, stacklevel=3)
