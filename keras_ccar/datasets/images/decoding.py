"""Turns image files into pixels, by one function for data in memory and streamed."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_ccar.datasets.images.bit_depth import BitDepth, shades_of
from keras_ccar.requirements import require

# Names of formats in Pillow. No others are tried, whatever a file is called.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")


class UnreadableImageError(ValueError):
    """An image that cannot be read.

    Args:
        message: the whole sentence.
        reason: why not, in a few words. Its default serves copies in other processes.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def decode_image(
    contents: bytes, name: str | bytes, depth: BitDepth | None = None
) -> np.ndarray:
    """Decodes the contents of an image file to uint8 RGB of shape `(h, w, 3)`.

    - The first frame or page is read, turned upright as its EXIF orientation says.
    - Grey of 16 bits is scaled to 8: the value divided by 257, rounded. Of colours of
      16 bits, Pillow keeps the upper 8.
    - Transparent pixels are put on white.
    - Palettes and CMYK are converted by Pillow, without colour profiles.

    Args:
        contents: the bytes of a PNG, JPEG, BMP, GIF, WebP or TIFF file.
        name: what an error calls the image, such as the path of the file.
        depth: is told the largest value of an image of 16 bits.

    Raises:
        UnreadableImageError: a `ValueError`, if the image is broken, truncated, larger
            than Pillow takes for safe, or has pixels of 32 bits, which have no known
            range.
    """
    pillow = require("PIL.Image", "Pillow", "datasets")
    too_large = pillow.DecompressionBombError, pillow.DecompressionBombWarning
    shown = _shown(name)
    try:
        with pillow.open(io.BytesIO(contents), formats=_FORMATS) as image:
            # Pillow itself refuses twice the limit, and warns of less.
            limit = pillow.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                raise pillow.DecompressionBombError
            return _to_rgb(image, depth)
    except too_large as error:
        reason = f"more than {pillow.MAX_IMAGE_PIXELS:,} pixels"
        raise UnreadableImageError(
            f"The image {shown} has {reason}: shrink it, or set "
            "`PIL.Image.MAX_IMAGE_PIXELS` higher if you trust it.",
            reason,
        ) from error
    except Exception as error:  # of many types, for files that are broken
        is_unknown = isinstance(error, pillow.UnidentifiedImageError)
        reason = str(error) or type(error).__name__
        reason = f"it is none of {', '.join(_FORMATS)}" if is_unknown else reason
        raise UnreadableImageError(
            f"The image {shown} cannot be read ({reason}): replace it, or delete it.",
            reason,
        ) from error


def decode_images(
    encoded: Iterable[tuple[bytes, str | bytes]], depth: BitDepth
) -> np.ndarray:
    """Decodes pairs of contents and name to uint8 `(N, h, w, 3)`; see `decode_image`.

    Raises a `ValueError` that names two images if they are not of the same size.
    """
    images: list[np.ndarray] = []
    first: str | bytes = ""
    for contents, name in encoded:
        image = decode_image(contents, name, depth)
        first = first or name
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"{_shown(name)} has {image.shape[:2]} pixels, but {_shown(first)} has "
                f"{images[0].shape[:2]}: resize all images to one shape, or pass "
                "`in_memory=False`."
            )
        images.append(image)
    return np.stack(images)


def decode(contents: Any, name: Any) -> Any:
    """Decodes an image within a `tf.data` stream, as `decode_image` does."""
    import tensorflow as tf

    image = tf.numpy_function(decode_image, [contents, name], "uint8", stateful=False)
    return tf.ensure_shape(image, (None, None, 3))


def _shown(name: str | bytes) -> str:
    # Names of files need not be Unicode, which the errors of TensorFlow must be.
    return name.decode(errors="backslashreplace") if isinstance(name, bytes) else name


def _to_rgb(image: Any, depth: BitDepth | None) -> np.ndarray:
    pillow = require("PIL.Image", "Pillow", "datasets")
    turned_upright = require("PIL.ImageOps", "Pillow", "datasets").exif_transpose
    _check_pixels(image)
    # Such as "RGB;16B"; Pillow forgets it as it loads the pixels.
    is_16_bits = any(";16" in str(tile[3]) for tile in image.tile)
    image.load()
    image = turned_upright(image)
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype("uint32")
        is_clear = values == image.info.get("transparency", -1)
        if depth is not None:
            depth.add_gray(values[~is_clear])
        gray = shades_of(values)
        gray[is_clear] = 255
        return np.repeat(gray.astype("uint8")[..., None], 3, -1)
    if depth is not None and is_16_bits:
        depth.add_color(np.asarray(image.convert("RGB")))
    if image.has_transparency_data:
        white = pillow.new("RGBA", image.size, "white")
        image = pillow.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _check_pixels(image: Any) -> None:
    """Raises a `ValueError` for pixels that Pillow reads without knowing their range.

    This is asked before they are loaded, as Pillow then forgets how they are stored.
    """
    if image.mode in ("I", "F"):
        raise ValueError(
            "its pixels of 32 bits have no known range, save it with 8 or 16 bits"
        )
    if image.format == "TIFF" and image.mode.startswith("I;16"):
        bits, photometric = (image.tag_v2.get(tag) for tag in (258, 262))
        if bits != (16,) or photometric != 1:  # fewer bits, or white is 0
            raise ValueError("its kind of grey is not known, save it as PNG")
    has_key_color = image.mode in ("L", "RGB") and "transparency" in image.info
    if image.format == "PNG" and has_key_color and image.tile[0][3] != image.mode:
        # Pillow would look for the colour as it is stored among pixels of 8 bits.
        raise ValueError(
            "it names a transparent colour that is not of 8 bits, save it with an "
            "alpha channel"
        )
