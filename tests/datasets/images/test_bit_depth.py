"""Images of 10, 12 or 14 bits in files of 16 are reported, over the whole data set."""

import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from keras_ccar.benchmark.features import _read_image
from keras_ccar.benchmark.sources.images.image_source import count_folder
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.datasets import from_directory
from keras_ccar.datasets.images.bit_depth import BitDepth
from keras_ccar.datasets.images.decoding import decode_image
from tests.datasets.images.test_decoding import png


def write(folder, largest):
    """Two classes of two images, the brightest of them in the second class."""
    for number, name in enumerate(("high", "low")):
        (folder / name).mkdir(parents=True)
        for i in range(2):
            values = np.full((4, 4), 100 * number + i, "uint16")
            values[0, 0] = largest if number else largest // 2
            Image.fromarray(values).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("largest", "bits", "factor"),
    [(255, 8, 256), (1000, 10, 64), (1740, 12, 16), (4095, 12, 16), (16383, 14, 4)],
)
def test_a_folder_is_warned_of_once(tmp_path, in_memory, largest, bits, factor):
    write(tmp_path / "data", largest)
    with pytest.warns(UserWarning, match="16-bit images") as caught:
        from_directory(tmp_path / "data", in_memory=in_memory)
    (message,) = (str(warning.message) for warning in caught)
    assert f"use values up to {largest:,} of 65,535" in message
    assert f"images of {bits} bits" in message
    assert f"by {factor} first" in message
    # What the message advises: then nothing is warned of.
    code = re.search(r"`(Image\.\S.*?save\(file\))`", message)[1]
    before = Image.open(tmp_path / "data" / "low" / "0.png")
    expected = np.asarray(before).astype("int64") * factor
    for file in (tmp_path / "data").rglob("*.png"):
        exec(code, {"Image": Image, "np": np, "file": file})
    after = np.asarray(Image.open(tmp_path / "data" / "low" / "0.png"))
    np.testing.assert_array_equal(after, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_directory(tmp_path / "data", in_memory=in_memory)


@pytest.mark.parametrize("largest", [0, 16384, 65535])
def test_other_images_are_not_warned_of(tmp_path, largest):
    write(tmp_path / "data", largest)
    (tmp_path / "data" / "low" / "0.png").unlink()
    if largest == 0:
        for file in (tmp_path / "data").rglob("*.png"):
            Image.fromarray(np.zeros((4, 4), "uint16")).save(file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_directory(tmp_path / "data")


def test_the_command_says_so(tmp_path):
    write(tmp_path / "data", 1740)
    _, notes = count_folder(tmp_path / "data", SourceOptions())
    assert [note for note in notes if "up to 1,740 of 65,535" in note]


@pytest.mark.parametrize("color_type", [2, 4, 6])
def test_colours_of_12_bits_are_told_by_their_upper_8(color_type):
    values = {2: [3000, 100, 4000], 4: [4000, 65535], 6: [9, 4000, 100, 65535]}
    row = np.array(2 * values[color_type], ">u2").tobytes()
    transparent = b"" if color_type != 2 else bytes(6)
    contents = png(16, color_type, [row], transparent)
    if color_type == 2:  # no transparent colour: that is refused
        start = contents.index(b"tRNS") - 4
        contents = contents[:start] + contents[start + 18 :]
    else:
        start = contents.index(b"tRNS") - 4
        contents = contents[:start] + contents[start + 12 :]
    depth = BitDepth()
    decode_image(contents, "a.png", depth)
    message = depth.describe_unused("it")
    assert "up to 4,095 of 65,535" in message
    assert "Pillow keeps only 8 bits of colours" in message


def test_images_of_8_bits_and_transparent_pixels_do_not_count(tmp_path):
    values = np.full((4, 4), 1740, "uint16")
    values[0, 0] = 65535
    Image.fromarray(values).save(tmp_path / "a.png", transparency=65535)
    Image.fromarray(np.full((4, 4), 255, "uint8")).save(tmp_path / "b.png")
    depth = BitDepth()
    for name in ("b.png", "a.png"):
        assert depth.describe_unused("it") is None
        _read_image(tmp_path / name, depth)
    assert "up to 1,740" in depth.describe_unused("it")


def test_threads_may_add_images():
    depth = BitDepth()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(depth.add_gray, np.arange(2000, dtype="uint16")[:, None]))
    assert "up to 1,999" in depth.describe_unused("it")


RNG = np.random.default_rng(0)


def write_band(folder, low, high, background=None):
    for name in ("high", "low"):
        (folder / name).mkdir(parents=True)
        for i in range(2):
            values = RNG.integers(low, high, (32, 32)).astype("uint16")
            values[0, :3] = 0, 65535, 60000  # dead and hot pixels
            if background is not None:
                values[:, :20] = background
            Image.fromarray(values).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("background", [None, 0, 65535])
@pytest.mark.parametrize(("low", "high"), [(30_000, 31_000), (31_768, 36_000)])
def test_a_narrow_band_is_warned_of(tmp_path, in_memory, background, low, high):
    folder = write_band(tmp_path / "data", low, high, background)
    with pytest.warns(UserWarning, match="16-bit images") as caught:
        from_directory(folder, in_memory=in_memory)
    (message,) = (str(warning.message) for warning in caught)
    found = re.search(
        r"from ([\d,]+) to ([\d,]+) of 65,535, of which (\d+) of", message
    )
    first, last, shades = (int(text.replace(",", "")) for text in found.groups())
    assert low - 130 <= first <= low + 260
    assert high - 260 <= last <= high + 130
    assert abs(shades - (high - low) / 257) <= 2
    _, notes = count_folder(folder, SourceOptions())
    assert f"Warning: {message}" in notes
    # What the message advises: then nothing is warned of.
    code = re.search(r"`(Image\.\S.*?save\(file\))`", message)[1]
    before = np.asarray(Image.open(folder / "low" / "0.png")).astype("float64")
    for file in folder.rglob("*.png"):
        exec(code, {"Image": Image, "np": np, "file": file})
    after = np.asarray(Image.open(folder / "low" / "0.png"))
    expected = (np.clip(before, first, last) - first) / (last - first) * 65535
    assert after.dtype == "uint16"
    np.testing.assert_allclose(after, expected, atol=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_directory(folder, in_memory=in_memory)


@pytest.mark.parametrize(
    "values",
    [
        np.where(RNG.random((64, 64)) < 0.3, 30_000, 30_500),  # a mask
        257 * RNG.integers(100, 120, (64, 64)),  # of 8 bits
        257 * RNG.integers(0, 40, (64, 64)) * 6 + RNG.integers(0, 9, (64, 64)),
        RNG.integers(0, 65536, (64, 64)),
        RNG.integers(20_000, 40_000, (64, 64)),
        np.full((64, 64), 30_000),
    ],
)
def test_images_that_lose_nothing_are_not_warned_of(values):
    depth = BitDepth()
    depth.add_gray(values.astype("uint32"))
    assert depth.describe_unused("it") is None


def test_a_narrow_band_of_colours_is_told_by_the_upper_8_bits():
    depth = BitDepth()
    depth.add_color(RNG.integers(117, 122, (32, 32, 3)).astype("uint8"))
    message = depth.describe_unused("it")
    assert "from 29,952 to 31,231 of 65,535, of which 5 of 256" in message
    assert "Pillow keeps only 8 bits of colours" in message
    depth = BitDepth()
    depth.add_color(RNG.integers(0, 256, (32, 32, 3)).astype("uint8"))
    assert depth.describe_unused("it") is None
