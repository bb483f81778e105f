"""Demonstration data, and `parity prepare` on real folders."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from neutral.cli.prepare import prepare_app
from neutral.data.folders import SPLITS, find_images
from neutral.data.prepare import check_unpaired, place_unpaired
from neutral.demo import cut, photograph, write_unpaired_demo
from neutral.errors import DataError, EnvironmentFault
from neutral.images import read_image

SAMPLE = Path(__file__).parents[1] / "dataset" / "YOUR_DATASET_NAME"


@pytest.fixture
def demo(tmp_path):
    write_unpaired_demo(tmp_path / "demo", size=32, train=4, test=2)
    return tmp_path / "demo"


def invoke(*arguments):
    return CliRunner().invoke(prepare_app, [str(argument) for argument in arguments])


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in find_images(folder)}


def test_demo_is_deterministic_mixed_and_real(demo, tmp_path):
    assert {name: len(find_images(demo / name)) for name in SPLITS} == dict(
        zip(SPLITS, (4, 4, 2, 2), strict=True)
    )
    write_unpaired_demo(tmp_path / "again", size=32, train=4, test=2)
    assert tree(tmp_path / "again") == tree(demo)
    write_unpaired_demo(tmp_path / "other", size=32, train=4, test=2, seed=1)
    assert tree(tmp_path / "other") != tree(demo)
    assert {path.suffix for path in find_images(demo / "trainA")} == {".jpg", ".png"}
    pictures = [read_image(path) for path in find_images(demo)]
    assert {picture.shape for picture in pictures} == {(32, 32, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 12
    assert min(picture.std() for picture in pictures) > 10  # none is flat


def test_domains_differ_visibly(demo):
    blue = {
        domain: np.mean([read_image(path)[..., 2].mean() for path in find_images(demo / f"train{domain}")])
        for domain in "AB"
    }
    assert blue["B"] - blue["A"] > 40


def test_demo_overwrites_nothing(demo):
    before = tree(demo)
    with pytest.raises(DataError, match="exists already"):
        write_unpaired_demo(demo)
    assert tree(demo) == before
    assert [entry.name for entry in demo.parent.iterdir()] == ["demo"]


def test_demo_refuses_bad_numbers_and_places(tmp_path):
    with pytest.raises(DataError, match="train 0"):
        write_unpaired_demo(tmp_path / "demo", train=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_unpaired_demo(tmp_path / "file" / "demo", train=1, test=0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_training_and_test_windows_share_no_pixel():
    columns = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (150, 200, 3))
    windows = {
        part: [cut(columns, part, 64, np.random.default_rng(n)) for n in range(50)]
        for part in ("train", "test")
    }
    assert max(window.max() for window in windows["train"]) < min(window.min() for window in windows["test"])


def test_photograph_that_is_not_installed():
    with pytest.raises(EnvironmentFault, match="no such photograph"):
        photograph("no_such_photograph.png")


def test_shipped_sample_data_set_is_whole():
    report = check_unpaired(SAMPLE)
    assert [folder.count for folder in report.folders.values()] == [1, 1, 1, 1]
    assert report.notes == []


def test_prepare_links_by_default(demo, tmp_path):
    result = invoke("ugatit", demo, "--data-dir", tmp_path / "dataset", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["how"] == "link"
    assert summary["folders"]["trainA"] == {"count": 4, "smallest": [32, 32], "largest": [32, 32]}
    target = tmp_path / "dataset" / "demo"
    assert target.is_symlink()
    assert tree(target) == tree(demo)


def test_prepare_copies_pictures_only(demo, tmp_path):
    (demo / "trainA" / "notes.txt").write_text("not a picture")
    (demo / "trainA" / "more").mkdir()
    (demo / "trainA" / "001.jpg").rename(demo / "trainA" / "more" / "ü.jpg")
    result = invoke("ugatit", demo, "--copy", "--name", "mine", "--data-dir", tmp_path / "dataset")
    assert result.exit_code == 0, result.output
    target = tmp_path / "dataset" / "mine"
    assert not target.is_symlink()
    assert tree(target) == tree(demo)
    assert not (target / "trainA" / "notes.txt").exists()
    assert "trainA       4 pictures, 32 x 32 to 32 x 32" in result.output


def test_check_lists_every_problem_and_nothing_is_written(demo, tmp_path):
    (demo / "trainA" / "001.jpg").write_bytes(b"damaged")
    for path in (demo / "trainB").iterdir():
        path.unlink()
    result = invoke("ugatit", demo, "--data-dir", tmp_path / "dataset")
    assert isinstance(result.exception, DataError)
    message = str(result.exception)
    assert "2 problems" in message
    assert "001.jpg: not a readable picture" in message
    assert "trainB: holds no picture" in message
    assert not (tmp_path / "dataset").exists()


def test_check_notes_missing_test_pictures(demo):
    for path in (demo / "testA").iterdir():
        path.unlink()
    assert len(check_unpaired(demo).notes) == 1


@pytest.mark.parametrize("copy", [False, True])
def test_place_overwrites_nothing(demo, tmp_path, copy):
    (tmp_path / "there").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="exists already"):
        place_unpaired(demo, tmp_path / "there", copy=copy)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        place_unpaired(demo, tmp_path / "file" / "there", copy=copy)
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b"])
def test_name_must_be_one_folder(demo, name):
    assert invoke("ugatit", demo, "--name", name).exit_code == 2


def test_concat_joins_and_overwrites_nothing(demo, tmp_path):
    first, second = find_images(demo / "trainA")[:2]
    output = tmp_path / "joined.png"
    result = invoke("concat", first, second, "--output", output)
    assert result.exit_code == 0, result.output
    expected = np.concatenate([read_image(first), read_image(second)], axis=1)
    np.testing.assert_array_equal(read_image(output), expected)
    again = invoke("concat", second, "--output", output)
    assert isinstance(again.exception, DataError)
    np.testing.assert_array_equal(read_image(output), expected)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from neutral.cli.prepare import prepare_app; "
        "print([m for m in ('cv2', 'numpy', 'PIL', 'skimage', 'torch', 'paddle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
