"""Finding pictures, the order of samples, and U-GAT-IT's batches."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from neutral.data.folders import dataset_folder, find_images
from neutral.data.stream import Stream
from neutral.demo import write_unpaired_demo
from neutral.errors import DataError
from neutral.families.ugatit import data
from neutral.families.ugatit.config import Config
from neutral.images import read_image, resize, to_tensor, write_image
from neutral.randomness import generator

PIXEL = np.zeros((2, 2, 3), np.uint8)


@pytest.fixture
def config(tmp_path):
    write_unpaired_demo(tmp_path / "demo", size=40, train=5, test=3)
    return Config(
        dataset="demo",
        data_dir=str(tmp_path),
        light=True,
        img_size=32,
        n_dis=4,
        resize_margin=4,
        print_freq=3,
    )


def changed(config, **options):
    return Config(**{**config.model_dump(), **options})


def test_images_are_found_in_order_below_links(tmp_path):
    real = tmp_path / "elsewhere"
    for name in ("b.png", "a.JPG", "sub/z.jpeg", "sub/deep/c.png", "alpha/y.png"):
        (real / name).parent.mkdir(parents=True, exist_ok=True)
        (real / name).write_bytes(b"")
    for name in ("notes.txt", "._a.jpg", "png"):
        (real / name).write_bytes(b"")
    (tmp_path / "link").symlink_to(real)
    found = [path.relative_to(tmp_path / "link").as_posix() for path in find_images(tmp_path / "link")]
    assert found == ["a.JPG", "b.png", "alpha/y.png", "sub/z.jpeg", "sub/deep/c.png"]


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="trainA: no such folder"):
        find_images(tmp_path / "trainA")
    (tmp_path / "trainB").mkdir()
    with pytest.raises(DataError, match=r"trainB: holds no picture.*\.jpg, \.jpeg, \.png"):
        find_images(tmp_path / "trainB")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file: not a folder"):
        find_images(tmp_path / "file")


def test_unknown_data_set_lists_those_that_are_there(tmp_path):
    (tmp_path / "selfie2anime").mkdir()
    with pytest.raises(DataError, match=r"no such data set; .*there is: selfie2anime"):
        dataset_folder(tmp_path, "selfie2anme")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a link to .*nowhere"):
        dataset_folder(tmp_path, "dangling")


@pytest.mark.parametrize(("count", "batch_size"), [(7, 1), (7, 3), (6, 3), (1, 4)])
def test_stream_is_epochs_without_replacement(count, batch_size):
    stream = Stream(0, "A", count, batch_size)
    orders = []
    for epoch in range(3):
        positions = range(epoch * stream.batches_per_epoch, (epoch + 1) * stream.batches_per_epoch)
        batches = [stream.batch(position) for position in positions]
        assert sum(map(len, batches)) == count
        assert all(len(batch) == batch_size for batch in batches[:-1])
        orders.append([sample.index for batch in batches for sample in batch])
        assert sorted(orders[-1]) == list(range(count))
    assert count == 1 or orders[0] != orders[1]


def test_streams_differ_by_seed_name_and_epoch():
    def order(seed, name, epoch=0):
        return [Stream(seed, name, 20).batch(20 * epoch + n)[0].index for n in range(20)]

    assert order(0, "A") == order(0, "A")
    assert len({tuple(o) for o in (order(0, "A"), order(0, "B"), order(1, "A"), order(0, "A", 1))}) == 4


def test_augmentation_is_drawn_anew_each_epoch():
    stream = Stream(0, "A", 1)
    draws = {stream.batch(n)[0].generator(0, "A").random() for n in range(10)}
    assert len(draws) == 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"img_ch": 1}, {"crop_mode": "random_resized"}, {"resize_margin": 0}]
)
def test_training_batch(config, dtype, options):
    config = changed(config, dtype=dtype, batch_size=2, **options)
    training = data.training_data(config)
    assert training.counts == {"A": 5, "B": 5}
    batch = training.batch(1)
    assert set(batch) == {"real_A", "real_B"}
    for images in batch.values():
        assert images.shape == (2, config.img_ch, 32, 32)
        assert images.dtype == dtype
        assert -1 <= images.min() < -0.2 < 0.2 < images.max() <= 1
    assert training.batch(3)["real_A"].shape[0] == 1  # the last short batch of five pictures is kept
    again = data.training_data(config).batch(1)
    assert all((again[name] == batch[name]).all() for name in batch)
    assert not (changed_seed(config).batch(1)["real_A"] == batch["real_A"]).all()


def changed_seed(config):
    return data.training_data(changed(config, seed=config.seed + 1))


def test_domains_of_different_size_restart_alone(config, tmp_path):
    write_image(tmp_path / "demo" / "trainB" / "extra.png", np.full((40, 40, 3), 255, np.uint8))
    training = data.training_data(config)
    flat = [n for n in range(1, 13) if (training.batch(n)["real_B"] == 1).all()]
    assert len(flat) == 2  # twelve iterations are two epochs of six
    assert flat[0] <= 6 < flat[1]
    alone = data.training_data(config).streams["A"]
    assert [s.index for n in range(5, 10) for s in alone.batch(n)] == [
        s.index for n in range(5, 10) for s in Stream(0, "A", 5).batch(n)
    ]


def test_random_crop_is_a_window_of_the_resized_picture(config):
    picture = read_image(data.training_data(config).files["A"][0])
    large = resize(picture, 36, 36)
    offsets, flips = Counter(), 0
    for n in range(400):
        actual = data.augment(picture, generator(n, "test"), config)
        for flipped in (False, True):
            source = resize(picture[:, ::-1].copy(), 36, 36) if flipped else large
            hits = [
                (top, left)
                for top in range(5)
                for left in range(5)
                if (source[top : top + 32, left : left + 32] == actual).all()
            ]
            offsets.update(hits)
            flips += flipped and bool(hits)
    assert sum(offsets.values()) == 400
    assert len(offsets) == 25
    assert max(offsets.values()) < 40  # 16 expected of each
    assert 150 < flips < 250


def test_random_resized_crop_covers_the_stated_areas():
    rows, columns = np.mgrid[0:36, 0:36]
    ramp = np.stack([rows * 7, columns * 7, rows * 0], axis=-1).astype(np.uint8)
    spans = []
    for n in range(300):
        actual = data.random_resized_crop(ramp, generator(n, "test"), 32, 4).astype(int)
        height, width = (np.ptp(actual[..., channel]) / 7 + 1 for channel in (0, 1))
        spans.append((height * width / 36**2, width / height))
    areas, ratios = np.array(spans).T
    assert 0.05 < areas.min() < 0.15
    assert 0.9 < areas.max() <= 1
    assert 0.65 < ratios.min() < 0.85
    assert 1.2 < ratios.max() < 1.55


def test_colour_order_reaches_the_networks(config):
    rgb = data.training_data(config).batch(1)["real_A"]
    bgr = data.training_data(changed(config, color_order="bgr")).batch(1)["real_A"]
    np.testing.assert_array_equal(bgr, rgb[:, ::-1])


def test_test_images_are_resized_in_file_order(config, tmp_path):
    images = data.test_images(config, "A")
    names = sorted(path.name for path in (tmp_path / "demo" / "testA").iterdir())
    assert len(images) == 3
    for n, name in enumerate(names):
        picture = read_image(tmp_path / "demo" / "testA" / name)
        np.testing.assert_array_equal(images[n], to_tensor(resize(picture, 32, 32))[None])


def test_one_side_may_have_no_test_pictures(config, tmp_path):
    for path in (tmp_path / "demo" / "testB").iterdir():
        path.unlink()
    assert [len(images) for images in data.test_sets(config).values()] == [3, 0]
    for path in (tmp_path / "demo" / "testA").iterdir():
        path.unlink()
    (tmp_path / "demo" / "testA").rmdir()
    with pytest.raises(DataError, match="neither in testA nor in testB"):
        data.test_sets(config)


def test_tiny_and_damaged_pictures(config, tmp_path):
    for path in (tmp_path / "demo" / "trainA").iterdir():
        path.unlink()
    write_image(tmp_path / "demo" / "trainA" / "tiny.png", PIXEL)
    assert data.training_data(config).batch(1)["real_A"].shape == (1, 3, 32, 32)
    (tmp_path / "demo" / "trainA" / "tiny.png").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"tiny\.png: not a readable picture"):
        data.training_data(config).batch(1)


def iterators_with_previews(config, iterations, print_freq):
    """What the original does: one endless iterator per domain; previews draw five batches from it."""
    stream = data.training_data(config).streams["A"]
    batches = (stream.batch(position) for position in range(10_000))
    training, previews = {}, {}
    for iteration in range(1, iterations + 1):
        training[iteration] = next(batches)
        if iteration % print_freq == 0:
            previews[iteration] = [batch[0] for batch in islice(batches, 5)]
    return training, previews


def test_previews_from_the_training_stream(config):
    config = changed(config, preview_from_train_stream=True, batch_size=2)
    training, previews = iterators_with_previews(config, 10, config.print_freq)
    actual = data.training_data(config)
    stream = actual.streams["A"]
    for iteration, samples in training.items():
        assert stream.batch(data.training_position(config, iteration)) == samples
    for iteration, samples in previews.items():
        expected = actual._augmented("A", stream, samples)
        np.testing.assert_array_equal(actual.preview(iteration)["real_A"], expected)
    silent = changed(config, no_preview=True)
    assert [data.training_position(silent, n) for n in (1, 4, 10)] == [0, 3, 9]


def test_previews_do_not_change_the_training_order(config):
    often, seldom = changed(config, print_freq=1), changed(config, print_freq=1000)
    for iteration in (1, 2, 7):
        expected = data.training_data(seldom).batch(iteration)
        actual = data.training_data(often).batch(iteration)
        assert all((actual[name] == expected[name]).all() for name in expected)
    first, second = (data.training_data(config).preview(n)["real_A"] for n in (3, 6))
    assert first.shape == (5, 3, 32, 32)
    assert not (first == second).all()
