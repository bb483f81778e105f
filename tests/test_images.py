"""Reading, writing, resizing and colouring pictures."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from neutral.errors import DataError
from neutral.images import (
    from_tensor,
    heatmap_picture,
    read_image,
    resize,
    to_tensor,
    write_image,
)

GOLDEN = Path(__file__).parent / "golden" / "ugatit" / "cam_rule.npz"


@pytest.fixture
def picture():
    """A smooth RGB picture whose channels differ, 40 high and 56 wide."""
    rows, columns = np.mgrid[0:40, 0:56]
    return np.stack([rows * 6, columns * 4, (rows + columns) * 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_heatmap_is_bit_equal_to_the_original(case):
    golden = np.load(GOLDEN)
    expected = golden[f"cam{case}_bgr_u8"][..., ::-1]
    actual = heatmap_picture(golden[f"heatmap{case}"][..., 0], *expected.shape[:2])
    np.testing.assert_array_equal(actual, expected)


def test_heatmap_covers_the_whole_colour_table():
    ramp = np.arange(256, dtype=np.float64).reshape(16, 16)
    expected = np.load(GOLDEN)["jet_bgr_u8"].reshape(16, 16, 3)[..., ::-1]
    np.testing.assert_array_equal(heatmap_picture(ramp, 16, 16), expected)


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0, np.nan, np.inf])
def test_heatmap_without_a_range_is_the_lowest_colour(value):
    actual = heatmap_picture(np.full((4, 4), value), 8, 8)
    assert (actual == [0, 0, 128]).all()


def test_picture_maths_is_the_originals():
    golden = np.load(GOLDEN)
    scaled = np.clip(np.rint(golden["img_denorm_bgr"].astype(np.float64) * 255), 0, 255)
    np.testing.assert_array_equal(from_tensor(golden["img"])[..., ::-1], scaled)


def test_rounding_is_half_to_even_and_saturates():
    tensor = np.array([-0.4, 0.0, 1.5, np.inf, -1.5, -np.inf, np.nan])  # the first two: 76.5 and 127.5
    actual = from_tensor(np.broadcast_to(tensor, (3, 1, 7)))
    assert actual[0, :, 0].tolist() == [76, 128, 255, 255, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tensor_round_trip_and_range(picture, dtype):
    tensor = to_tensor(picture, dtype)
    assert tensor.dtype == dtype
    assert tensor.shape == (3, 40, 56)
    assert tensor.flags.c_contiguous
    np.testing.assert_array_equal(from_tensor(tensor), picture)
    extremes = to_tensor(np.array([0, 255], np.uint8).reshape(1, 2, 1), dtype)
    assert extremes.ravel().tolist() == [-1.0, 1.0]
    assert to_tensor(np.full((1, 1, 1), 127, np.uint8), dtype).item() == pytest.approx(-1 / 255, rel=1e-4)


def test_grey_tensor_becomes_three_equal_channels():
    actual = from_tensor(np.array([[[-1.0, 1.0]]]))
    assert actual.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_resize_is_antialiased(picture):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert abs(resize(stripes, 16, 16)[4:-4, 4:-4].astype(int) - 127).max() <= 1
    expected = np.asarray(Image.fromarray(picture).resize((30, 20), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize(picture, 20, 30), expected)
    assert resize(picture[..., :1], 20, 30).shape == (20, 30, 1)


@pytest.mark.parametrize("name", ["a.png", "ä ö 漢字.png", "UPPER.PNG"])
def test_png_round_trip(tmp_path, picture, name):
    write_image(tmp_path / "new folder" / name, picture)
    np.testing.assert_array_equal(read_image(tmp_path / "new folder" / name), picture)
    assert [entry.name for entry in (tmp_path / "new folder").iterdir()] == [name]


def test_jpg_is_close(tmp_path, picture):
    write_image(tmp_path / "a.jpg", picture)
    difference = read_image(tmp_path / "a.jpg").astype(int) - picture
    assert abs(difference).mean() < 3


def test_grey_round_trip(tmp_path, picture):
    write_image(tmp_path / "a.png", picture[..., :1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", channels=1), picture[..., :1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture[..., :1].repeat(3, axis=-1))


def test_transparency_is_dropped(tmp_path, picture):
    alpha = np.full((40, 56, 1), 7, np.uint8)
    Image.fromarray(np.concatenate([picture, alpha], axis=-1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm", "ppm"])
def test_sixteen_bit_keeps_the_high_byte(tmp_path, picture, suffix):
    source = picture[..., 0] if suffix == "pgm" else picture
    values = source.astype(np.uint16) * 256 + 200
    stored = values if values.ndim == 2 else values[..., ::-1]
    (tmp_path / f"a.{suffix}").write_bytes(cv2.imencode(f".{suffix}", stored)[1].tobytes())
    actual = read_image(tmp_path / f"a.{suffix}", channels=3 if values.ndim == 3 else 1)
    assert abs(actual.astype(int) - source.reshape(actual.shape)).max() <= 1


def test_sixteen_bit_grey_png(tmp_path, picture):
    values = picture[..., 0].astype(np.uint16) * 256 + 200
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", values)[1].tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", channels=1), picture[..., :1])


def test_palette_cmyk_and_bilevel(tmp_path, picture):
    image = Image.fromarray(picture)
    image.quantize(16).save(tmp_path / "palette.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    image.convert("1").save(tmp_path / "bilevel.png")
    for name, bound in (("palette.png", 15), ("cmyk.jpg", 15), ("bilevel.png", 130)):
        actual = read_image(tmp_path / name)
        assert actual.shape == picture.shape
        assert abs(actual.astype(int) - picture).mean() < bound


def test_camera_orientation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(picture, -1))


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "ppm", "tif"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_damaged_file_is_named(tmp_path, picture, suffix, damage):
    path = tmp_path / f"broken.{suffix}"
    Image.fromarray(picture).save(path)
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"no picture"}[damage])
    with pytest.raises(DataError, match=f"broken.{suffix}: not a readable picture") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_float_pixels(tmp_path):
    with pytest.raises(DataError, match=r"gone.png: no such picture"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(DataError, match="not a readable picture"):
        read_image(tmp_path)
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(DataError, match="floating-point"):
        read_image(tmp_path / "float.tif")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_full_disk_leaves_the_old_picture(tmp_path, picture):
    """A limit on the size of files fails the write as a full disk does: in the middle, by the system."""
    import resource

    path = tmp_path / "a.png"
    write_image(path, picture)
    before = path.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DataError, match=r"a\.png: cannot be written"):
            write_image(path, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_unwritable_place_and_unknown_format(tmp_path, picture):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"a\.png: cannot be written"):
        write_image(tmp_path / "file" / "a.png", picture)
    with pytest.raises(DataError, match=r"\.png or \.jpg"):
        write_image(tmp_path / "a.webp", picture)
