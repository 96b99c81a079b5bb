"""Reads image files; those that are broken are left out and named."""

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.images.image_notes import LISTED
from keras_ccar.datasets.digests import image_hashes
from keras_ccar.datasets.images.bit_depth import BitDepth
from keras_ccar.datasets.images.decoding import UnreadableImageError, decode_image
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.inputs.class_names import join_first
from keras_ccar.requirements import require

# Names of formats in Pillow.
_WITH_FRAMES = ("GIF", "PNG", "TIFF", "WEBP")


@dataclass(frozen=True)
class ImageFile:
    """What an image file holds.

    Attributes:
        size: height and width.
        content: a hash of all pixels, or b"" if it is not wanted.
        has_more: whether there are more pages or frames than the one that is read.
        pixels: the resized pixels, if they are wanted.
    """

    size: tuple[int, int]
    content: bytes
    has_more: bool
    pixels: np.ndarray | None


def read_image_files(
    files: Sequence[Path],
    names: Sequence[str],
    side: int | None,
    path: Path,
    notes: list[str],
    is_hashed: bool,
) -> tuple[list[tuple[int, ImageFile]], str]:
    """Returns what can be read, and why the first of the other files cannot, or "".

    What can be read is each place, and what the file there holds.

    Args:
        files: the files.
        names: what they are called in the notes.
        side: the side in pixels that they are resized to; None for no pixels.
        path: the folder, or the file.
        notes: takes what is broken, what is nearly black, and what has more pages.
        is_hashed: whether the hashes of the pixels are wanted, which find copies.
    """
    depth = BitDepth()

    def read(file: Path) -> ImageFile | OSError | UnreadableImageError:
        try:
            encoded = file.read_bytes()
            image = decode_image(encoded, file.name, depth)
        except (OSError, UnreadableImageError) as error:
            return error
        pixels = None if side is None else networks.resize(image, side)
        content = image_hashes([image])[0] if is_hashed else b""
        return ImageFile(image.shape[:2], content, _has_more(encoded), pixels)

    with ThreadPoolExecutor() as threads:
        read_files = threads.map(read, files)
        found = list(progress_bar(read_files, "Reading images", total=len(files)))
    good = [(i, one) for i, one in enumerate(found) if isinstance(one, ImageFile)]
    kinds = OSError | UnreadableImageError
    broken = {i: one for i, one in enumerate(found) if isinstance(one, kinds)}
    if broken:
        reasons = {names[i]: _reason(error) for i, error in broken.items()}
        notes.append(
            f"Warning: {len(broken)} of {len(files)} image files in {path} cannot be "
            f"read and are left out: {_with_reasons(reasons)}."
        )
    more = [names[i] for i, one in good if one.has_more]
    if more:
        notes.append(
            f"Warning: only the first page or frame is read of {len(more)} of "
            f"{len(files)} image files in {path}, which have more: "
            f"{join_first(more, LISTED)}. Save each that counts as a file of its own."
        )
    unused = depth.describe_unused(str(path))
    notes.extend([f"Warning: {unused}"] if unused else [])
    return good, next((str(error) for error in broken.values()), "")


def _reason(error: OSError | UnreadableImageError) -> str:
    """Returns why a file cannot be read, in a few words."""
    if isinstance(error, UnreadableImageError):
        return error.reason
    return error.strerror or str(error)


def _with_reasons(reasons: Mapping[str, str]) -> str:
    """Returns the names of files with their reasons; those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    shown = [
        f"{join_first(names, LISTED)} ({reason})" for reason, names in by_reason.items()
    ]
    return join_first(shown, LISTED)


def _has_more(encoded: bytes) -> bool:
    """Tells images with more than one page or frame; decodes no pixels."""
    pillow = require("PIL.Image", "Pillow", "datasets")
    try:
        # Telephones write small copies and depths behind a JPEG.
        with pillow.open(io.BytesIO(encoded), formats=_WITH_FRAMES) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # of many types: another format, or a broken second page
        return False
