"""U-GAT-IT's strips and previews, with stand-ins for the generators whose work can be told apart."""

import numpy as np
import pytest

from neutral.demo import write_unpaired_demo
from neutral.families.ugatit import data, pictures
from neutral.families.ugatit.config import Config
from neutral.images import from_tensor, heatmap_picture, read_image, resize


@pytest.fixture
def config(tmp_path):
    write_unpaired_demo(tmp_path / "demo", size=40, train=4, test=3)
    return Config(dataset="demo", data_dir=str(tmp_path), light=True, img_size=32, n_dis=4, print_freq=10)


def changed(config, **options):
    return Config(**{**config.model_dump(), **options})


def translate(name, images):
    """genA2B negates, genB2A halves; the heatmap rises downwards for genA2B and to the right for genB2A."""
    down, right = np.mgrid[0:8, 0:8].astype(np.float32)
    if name == "genA2B":
        return {"out": -images, "heatmap": np.broadcast_to(down, (len(images), 1, 8, 8))}
    assert name == "genB2A"
    return {"out": images / 2, "heatmap": np.broadcast_to(right, (len(images), 1, 8, 8))}


def test_panels_in_the_order_of_the_original(config):
    real = data.test_images(config, "A")[0]
    panels = pictures.translations("A2B", real, translate)
    assert list(panels) == [
        "real_A", "heatmap_A2A", "fake_A2A", "heatmap_A2B", "fake_A2B", "heatmap_A2B2A", "fake_A2B2A",
    ]  # fmt: skip
    down, right = (heatmap_picture(m, 32, 32) for m in np.mgrid[0:8, 0:8].astype(np.float32))
    image = [from_tensor(x[0]) for x in (real, real / 2, -real, -real / 2)]
    expected = [image[0], right, image[1], down, image[2], right, image[3]]
    np.testing.assert_array_equal(pictures.strip(config, "A2B", real, translate), np.concatenate(expected))


def test_swapped_domains(config):
    real = data.test_images(config, "B")[1]
    panels = pictures.translations("B2A", real, translate)
    assert list(panels)[::2] == ["real_B", "fake_B2B", "fake_B2A", "fake_B2A2B"]
    np.testing.assert_array_equal(panels["fake_B2B"], -real)
    np.testing.assert_array_equal(panels["fake_B2A"], real / 2)
    np.testing.assert_array_equal(panels["fake_B2A2B"], -real / 2)


def test_first_panel_is_the_picture_in_its_own_colours(config, tmp_path):
    expected = resize(read_image(sorted((tmp_path / "demo" / "testA").iterdir())[0]), 32, 32)
    for order in ("rgb", "bgr"):
        setting = changed(config, color_order=order)
        strip = pictures.strip(setting, "A2B", data.test_images(setting, "A")[0], translate)
        np.testing.assert_array_equal(strip[:32], expected)


def test_grey_pictures(config):
    setting = changed(config, img_ch=1)
    strip = pictures.strip(setting, "A2B", data.test_images(setting, "A")[0], translate)
    assert strip.shape == (7 * 32, 32, 3)
    assert (strip[:32] == strip[:32, :, :1]).all()


def test_preview_columns(config):
    training = data.training_data(config)
    for iteration, shown in ((10, (0, 1, 2, 0, 1)), (20, (2, 0, 1, 2, 0)), (30, (1, 2, 0, 1, 2))):
        made = pictures.previews(training, iteration, translate)
        assert list(made) == [f"A2B_{iteration:07d}", f"B2A_{iteration:07d}"]
        for name, picture in made.items():
            assert picture.shape == (7 * 32, 10 * 32, 3)
            tests = data.test_images(config, name[0])
            expected = [from_tensor(tests[n][0]) for n in shown]
            np.testing.assert_array_equal(picture[:32, 5 * 32 :], np.concatenate(expected, axis=1))
            trained = [from_tensor(image) for image in training.preview(iteration)[f"real_{name[0]}"]]
            np.testing.assert_array_equal(picture[:32, : 5 * 32], np.concatenate(trained, axis=1))


def test_preview_without_test_pictures_on_one_side(config, tmp_path):
    for path in (tmp_path / "demo" / "testB").iterdir():
        path.unlink()
    made = pictures.previews(data.training_data(config), 10, translate)
    assert made["A2B_0000010"].shape == (7 * 32, 10 * 32, 3)
    assert made["B2A_0000010"].shape == (7 * 32, 5 * 32, 3)
    assert [name for name, _ in pictures.test_strips(config, translate)] == ["A2B_1", "A2B_2", "A2B_3"]


def test_test_strips(config):
    made = dict(pictures.test_strips(config, translate))
    assert list(made) == ["A2B_1", "A2B_2", "A2B_3", "B2A_1", "B2A_2", "B2A_3"]
    assert {picture.shape for picture in made.values()} == {(7 * 32, 32, 3)}
    assert len({picture.tobytes() for picture in made.values()}) == 6
