"""Images as people have them: pixels by the rule, the same in memory and streamed."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_ccar.datasets import from_directory
from keras_ccar.datasets.images.decoding import decode_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (5, 4), dtype="uint8")
COLORS = RNG.integers(0, 256, (5, 4, 3), dtype="uint8")
OPACITY = RNG.integers(0, 256, (5, 4, 1), dtype="uint8")
OPACITY[0], OPACITY[1] = 0, 255
GRAY_16 = np.arange(5 * 4, dtype="uint16").reshape(5, 4) * 3449  # to 65,531
GRAY_32 = GRAY_16.astype("int32")


def as_rgb(gray):
    return np.repeat(np.asarray(gray)[..., None], 3, -1)


def on_white(colors, opacity):
    share = opacity / 255
    return np.round(colors * share + 255 * (1 - share))


def encoded(image, suffix=".png", **options):
    contents = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(contents, Image.registered_extensions()[suffix], **options)
    return contents.getvalue()


def turned(orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(COLORS, suffix, exif=exif, quality=100, lossless=True)


def palette_image(transparency=None):
    indices = Image.fromarray(GRAY % 3).convert("P")
    indices.putpalette([250, 0, 9, 8, 240, 7, 6, 5, 230])
    options = {} if transparency is None else {"transparency": transparency}
    return encoded(indices, **options)


def png(bits, color_type, rows, transparent):
    """A PNG that Pillow does not write: any bits, and one transparent colour."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + checksum(name + data)

    def checksum(data):
        return struct.pack(">I", zlib.crc32(data))

    size = struct.pack(">IIBBBBB", 2, len(rows), bits, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"tRNS", transparent)
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )


PALETTE = np.array([[250, 0, 9], [8, 240, 7], [6, 5, 230]])[GRAY % 3]
FRAMES = [Image.fromarray(np.full((5, 4), i, "uint8")) for i in (30, 90, 200)]
ALL_FRAMES = {"save_all": True, "append_images": FRAMES[1:]}
SEMI = np.concatenate([COLORS, OPACITY], -1)
# What was written, the suffix, and the pixels by the rule.
KINDS = {
    "gray": (encoded(GRAY), ".png", as_rgb(GRAY)),
    "one bit": (encoded(GRAY > 99), ".png", as_rgb(255 * (GRAY > 99))),
    "gray of 16 bits": (encoded(GRAY_16), ".png", as_rgb(np.round(GRAY_16 / 257))),
    "gray of 16 bits, TIFF": (
        encoded(GRAY_16, ".tif"),
        ".tif",
        as_rgb(np.round(GRAY_16 / 257)),
    ),
    "gray of 16 bits, transparent": (
        encoded(GRAY_16, transparency=3449),
        ".png",
        as_rgb(np.where(GRAY_16 == 3449, 255, np.round(GRAY_16 / 257))),
    ),
    "RGB": (encoded(COLORS), ".png", COLORS),
    "BMP": (encoded(COLORS, ".bmp"), ".bmp", COLORS),
    "WebP": (encoded(COLORS, ".webp", lossless=True), ".webp", COLORS),
    "TIFF": (encoded(COLORS, ".tif"), ".TIFF", COLORS),
    "PNG called JPEG": (encoded(COLORS), ".jpg", COLORS),
    "alpha": (encoded(SEMI), ".png", on_white(COLORS, OPACITY)),
    "gray and alpha": (
        encoded(np.concatenate([GRAY[..., None], OPACITY], -1)),
        ".png",
        on_white(as_rgb(GRAY), OPACITY),
    ),
    "transparent gray": (
        encoded(GRAY, transparency=int(GRAY[2, 2])),
        ".png",
        as_rgb(np.where(GRAY[2, 2] == GRAY, 255, GRAY)),
    ),
    "transparent colour": (
        encoded(COLORS, transparency=tuple(COLORS[2, 2].tolist())),
        ".png",
        np.where((COLORS[2, 2] == COLORS).all(-1, keepdims=True), 255, COLORS),
    ),
    "palette": (palette_image(), ".png", PALETTE),
    "palette, one transparent": (
        palette_image(transparency=1),
        ".png",
        np.where((GRAY % 3 == 1)[..., None], 255, PALETTE),
    ),
    "palette, semi-transparent": (
        palette_image(transparency=bytes([255, 51, 0])),
        ".png",
        on_white(PALETTE, np.array([255, 51, 0])[GRAY % 3][..., None]),
    ),
    "palette GIF": (encoded(FRAMES[1], ".gif"), ".gif", np.full((5, 4, 3), 90)),
    "animated GIF": (
        encoded(FRAMES[0], ".gif", **ALL_FRAMES),
        ".gif",
        np.full((5, 4, 3), 30),
    ),
    "animated PNG": (
        encoded(FRAMES[0], ".png", **ALL_FRAMES),
        ".png",
        np.full((5, 4, 3), 30),
    ),
    "pages of TIFF": (
        encoded(FRAMES[0], ".tif", **ALL_FRAMES),
        ".tif",
        np.full((5, 4, 3), 30),
    ),
    "CMYK": (
        encoded(Image.fromarray(SEMI, "CMYK"), ".tif"),
        ".tif",
        # Ink takes light away; black takes it from all three.
        np.round((255.0 - COLORS) * (255.0 - OPACITY) / 255),
    ),
    # A photo of 8 x 8 pixels of one colour loses nothing to JPEG but roundings.
    "CMYK JPEG": (
        encoded(Image.new("CMYK", (8, 8), (0, 100, 200, 50)), ".jpg", quality=100),
        ".jpg",
        np.full((8, 8, 3), np.round((255 - np.array([0, 100, 200])) * 205 / 255)),
    ),
    # EXIF: 6 is held a quarter turn clockwise to be seen, 3 upside down, 5 mirrored.
    "EXIF 1": (turned(1, ".png"), ".png", COLORS),
    "EXIF 3": (turned(3, ".png"), ".png", COLORS[::-1, ::-1]),
    "EXIF 5": (turned(5, ".webp"), ".webp", COLORS.transpose(1, 0, 2)),
    "EXIF 6": (turned(6, ".png"), ".png", np.rot90(COLORS, -1)),
    "EXIF 8": (turned(8, ".tif"), ".tif", np.rot90(COLORS)),
}


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """All kinds, streamed from one folder: the pixels by name."""
    folder = tmp_path_factory.mktemp("kinds")
    for name in ("a", "b"):
        (folder / name).mkdir()
    (folder / "b" / "b.png").write_bytes(encoded(GRAY))
    for i, (contents, suffix, _) in enumerate(KINDS.values()):
        (folder / "a" / f"{i:03}{suffix}").write_bytes(contents)
    data = from_directory(folder, in_memory=False)
    images = [image for image, _ in data.train.as_numpy_iterator()]
    return dict(zip(KINDS, images, strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_pixels(kind, streamed):
    contents, _, expected = KINDS[kind]
    image = decode_image(contents, kind)
    assert image.dtype == "uint8"
    assert image.shape == expected.shape
    # Pillow rounds CMYK in whole numbers, JPEG rounds colours.
    tolerance = {"CMYK": 1, "CMYK JPEG": 2}.get(kind, 0)
    np.testing.assert_allclose(image.astype("float64"), expected, 0, tolerance)
    np.testing.assert_array_equal(streamed[kind], image)


def test_jpeg_is_turned():
    image = decode_image(turned(6, ".jpg"), "photo.jpg")
    upright = np.rot90(decode_image(turned(1, ".jpg"), "photo.jpg"), -1)
    np.testing.assert_array_equal(image, upright)


def truncated(suffix, **options):
    noise = RNG.integers(0, 256, (64, 64, 3), dtype="uint8")
    contents = encoded(noise, suffix, **options)
    return contents[: len(contents) // 2]


BROKEN = {
    "truncated PNG": truncated(".png"),
    "truncated JPEG": truncated(".jpg"),
    "truncated progressive JPEG": truncated(".jpg", progressive=True),
    "truncated GIF": truncated(".gif"),
    "truncated BMP": truncated(".bmp"),
    "truncated WebP": truncated(".webp"),
    "truncated TIFF": truncated(".tif", compression="tiff_lzw"),
    "empty": b"",
    "text": b"no image",
    "integers of 32 bits": encoded(GRAY_32, ".tif"),
    "floats": encoded(GRAY.astype("float32"), ".tif"),
    "transparent colour of 16 bits": png(
        16, 2, [bytes(range(12))], struct.pack(">HHH", 1, 2, 3)
    ),
    "transparent gray of 2 bits": png(2, 0, [b"\x60"], struct.pack(">H", 1)),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_image_without_right_pixels_is_named(kind):
    with pytest.raises(ValueError, match=r"image 7\.png cannot be read \(.+\): rep"):
        decode_image(BROKEN[kind], "7.png")


def test_gray_of_16_bits_whose_white_is_zero_is_refused():
    one, zero = (struct.pack("<HHIHH", 262, 3, 1, i, 0) for i in (1, 0))
    contents = encoded(GRAY_16, ".tif")
    assert one in contents
    contents = contents.replace(one, zero)  # white is 0 now
    with pytest.raises(ValueError, match=r"kind of grey is not known, save it as PNG"):
        decode_image(contents, "x-ray.tif")


def test_enormous_images_are_refused(monkeypatch):
    image = encoded(np.zeros((10, 10), "uint8"))
    for limit in (99, 49):  # of which Pillow warns, and which it refuses
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match=rf"map\.png has more than {limit} pixels"):
            decode_image(image, "map.png")
    for limit in (100, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert decode_image(image, "map.png").shape == (10, 10, 3)


def test_a_name_that_is_not_unicode_is_escaped():
    with pytest.raises(ValueError, match=r"image caf\\xe9\.png cannot"):
        decode_image(b"", b"caf\xe9.png")


def test_a_stream_names_the_image_that_breaks_later(tmp_path):
    import tensorflow as tf

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(encoded(GRAY))
    data = from_directory(tmp_path, in_memory=False)
    (tmp_path / "b" / "1.png").write_bytes(BROKEN["truncated PNG"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"b/1\.png cannot be"):
        list(data.train)
