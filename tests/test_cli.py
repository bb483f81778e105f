"""The command line: fast help, option styles, clear errors. Commands run as processes, as users run them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_family import ToyConfig

from neutral.cli.options import parse, table, with_plain_switches
from neutral.diagnosis import remarks
from neutral.errors import ConfigError
from neutral.families.ugatit.config import Config

TOY = str(Path(__file__).with_name("toy_family.py"))
HEAVY = ("torch", "paddle", "tensorflow", "tensorboard", "cv2", "skimage", "numpy")


def run(folder, *words, status=0, toy=False, environment=None):
    """(stdout, stderr) of `parity <words>`, which must end with `status` and without a traceback."""
    command = [sys.executable, *([TOY] if toy else ["-m", "parity.cli"]), *words]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"COLUMNS": "120"} | (environment or {}),
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def toy_train(folder, *words, status=0):
    return run(folder, "train", "--family", "toy", "--backend", "numpy", *words, status=status, toy=True)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["train", "--help"], ["infer", "--help"], ["export", "--help"], ["prepare", "--help"]],
)
def test_help_imports_nothing_heavy(words):
    code = f"""
import sys
from parity.cli import main
try:
    main({words!r})
finally:
    print(*sorted({{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: parity" in done.stdout
    assert done.stderr.split() == []


def test_help_names_every_command(tmp_path):
    out, _ = run(tmp_path, "--help")
    for command in ("list", "doctor", "prepare", "train", "test", "infer", "port", "golden", "faults"):
        assert f" {command} " in out


def test_all_three_styles_of_options_are_one():
    words = "--light True --save_freq 500 --dataset=data48778 print_freq=200 --no-preview --lr -1e-4"
    assert parse(ToyConfig, words.split()) == {
        "light": "True",
        "save_freq": "500",
        "dataset": "data48778",
        "print_freq": "200",
        "no_preview": "true",
        "lr": "-1e-4",
    }


def test_a_switch_does_not_swallow_what_follows():
    assert parse(ToyConfig, ["--light", "dataset=x"]) == {"light": "true", "dataset": "x"}
    assert parse(ToyConfig, ["--light", "--no_preview", "False"]) == {"light": "true", "no_preview": "False"}


def test_an_unknown_option_takes_its_value_along():
    assert parse(ToyConfig, ["--sise", "3", "lr=1"]) == {"sise": "3", "lr": "1"}
    assert parse(ToyConfig, ["--sise", "--lr", "1"]) == {"sise": "true", "lr": "1"}


@pytest.mark.parametrize(
    ("words", "message"),
    [(["stray"], '"stray": an option has the form'), (["--lr"], "--lr: needs a value"), (["-x"], '"-x"')],
)
def test_stray_words_are_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        parse(ToyConfig, words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--resume", "True", "lr=1"], ["--resume", "lr=1"]),
        (["--resume", "False", "lr=1"], ["lr=1"]),
        (["--resume", "lr=1"], ["--resume", "lr=1"]),
        (["--resume"], ["--resume"]),
        (["--light", "True"], ["--light", "True"]),
    ],
)
def test_switches_may_be_written_with_a_value(words, expected):
    assert with_plain_switches(words) == expected


def test_the_table_of_options_has_each_with_default_and_meaning(tmp_path):
    out, _ = run(tmp_path, "train", "--family", "ugatit", "--options")
    assert out.rstrip("\n") == table(Config)
    assert len(out.splitlines()) == len(Config.model_fields)
    assert all(field.description for field in Config.model_fields.values())
    assert "save_freq " in out
    assert "100000" in out


def test_the_command_of_the_original_project_is_understood(tmp_path):
    words = "--light True --save_freq 5 --dataset data48778 --print_freq 5 --iteration 10 --json"
    out, _ = toy_train(tmp_path, *words.split())
    assert json.loads(out)["iteration"] == 10
    assert (tmp_path / "results/data48778/model/step_0000005").is_dir()
    assert "light: true" in (tmp_path / "results/data48778/config.resolved.yml").read_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.toml", "iteration = 4\nlight = true\n"), ("a.yml", "iteration: 4\nlight: true\nlr: 1e-4\n")],
)
def test_a_file_gives_options_and_the_command_line_overrides_them(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    toy_train(tmp_path, "--config", name, "iteration=6")
    resolved = (tmp_path / "results/YOUR_DATASET_NAME/config.resolved.yml").read_text()
    assert "iteration: 6" in resolved
    assert "light: true" in resolved


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["train", "--family", "ugatti", "--backend", "torch"], 2, 'did you mean "ugatit"'),
        (
            ["train", "--family", "ugatit", "--backend", "touch"],
            2,
            'unknown backend "touch"; did you mean "torch"',
        ),
        (["train", "--family", "ugatit"], 2, "Known: torch, paddle"),
        (["train", "--family", "ugatit", "--backend", "torch", "sav_freq=3"], 2, 'did you mean "save_freq"'),
        (
            ["train", "--family", "ugatit", "--backend", "torch", "--iteration", "many"],
            2,
            "iteration: Input should",
        ),
        (
            ["train", "--family", "ugatit", "--backend", "torch", "--light", "maybe=1"],
            2,
            "maybe: unknown option",
        ),
        (["train", "--family", "ugatit", "--backend", "torch", "img_size=94"], 2, "at least 96"),
        (["train", "--family", "ugatit", "--backend", "torch", "img_size=98"], 2, "multiple of 4"),
        (["train", "--family", "ugatit", "--backend", "torch", "dataset=absent"], 2, "no such data set"),
        (["train", "--family", "ugatit", "--backend", "torch", "--config", "absent.toml"], 2, "absent.toml"),
        (["test", "--family", "ugatit", "--backend", "torch"], 2, "holds no complete checkpoint"),
        (
            ["test", "--family", "ugatit", "--backend", "torch", "--checkpoint", "x"],
            2,
            "x: holds no complete checkpoint",
        ),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_bad_input_is_one_clear_message_and_writes_nothing(tmp_path, words, status, message):
    _, err = run(tmp_path, *words, status=status)
    assert message in err
    assert len(err.splitlines()) < 24
    assert list(tmp_path.iterdir()) == []


def test_a_framework_that_is_not_installed_is_status_3(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = ("train", "--family", "ugatit", "--backend", "torch")
    _, err = run(tmp_path, *words, status=3, environment={"PYTHONPATH": path})
    assert "pip install 'framework-parity[torch]'" in err


def test_list(tmp_path):
    out, _ = run(tmp_path, "list", "--json")
    found = json.loads(out)
    assert found["families"][0]["name"] == "ugatit"
    assert found["families"][0]["networks"][0] == "genA2B"
    assert set(found["backends"]) == {"torch", "paddle"}
    text, _ = run(tmp_path, "list")
    assert "arXiv 1907.10830" in text


def test_doctor_reports_each_backend(tmp_path):
    out, _ = run(tmp_path, "doctor", "--json")
    found = json.loads(out)
    assert found["problems"] == []
    assert found["backends"]["torch"].startswith("cpu")
    assert found["backends"]["paddle"].startswith("cpu")
    assert found["versions"]["numpy"] == np.__version__


def test_doctor_knows_bad_combinations(monkeypatch):
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    found = {"paddlepaddle": "3.3.1", "torch": "2.13", "paddle2onnx": "not installed", "onnxscript": "0.7"}
    texts = " ".join(remarks(found | {"onnx": "1.17.0"}, processor="vendor_id: AuthenticAMD"))
    for part in ("paddle2onnx is missing", "onnxruntime is missing", "onnx 1.17.0", "MKL_DEBUG_CPU_TYPE=5"):
        assert part in texts
    everything = dict.fromkeys((*found, "onnx", "onnxruntime"), "9.9")
    assert remarks(everything, processor="GenuineIntel") == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    toy_train(folder, "dataset=toy", "size=4")
    return folder


TEST = ("test", "--family", "toy", "--backend", "numpy")


def test_the_test_phase_takes_the_newest_checkpoint_and_its_architecture(trained):
    out, err = run(trained, *TEST, "dataset=toy", "--json", toy=True)
    assert "testing results/toy/model/step_0000020" in err
    assert json.loads(out)["written"] == ["results/toy/test/A2B_1.png"]
    assert (trained / "results/toy/test/A2B_1.png").is_file()


def test_the_test_phase_refuses_another_architecture(trained):
    _, err = run(trained, *TEST, "dataset=toy", "size=3", status=2, toy=True)
    assert "size: the checkpoint has 4, asked for is 3" in err


def test_a_checkpoint_of_another_family_is_refused(trained):
    words = ("test", "--family", "ugatit", "--backend", "torch", "dataset=toy")
    _, err = run(trained, *words, status=2)
    assert "a checkpoint of family toy, not of ugatit" in err


INFER = (
    "infer",
    "--family",
    "toy",
    "--backend",
    "numpy",
    "--direction",
    "A2B",
    "--checkpoint",
    "results/toy",
)


def write_png(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((6, 5, 3), value, np.uint8))


def test_infer_translates_a_folder_and_keeps_names(trained, tmp_path):
    write_png(tmp_path / "in/one.png", 10)
    write_png(tmp_path / "in/below/two.jpg", 20)
    run(trained, *INFER, str(tmp_path / "in"), str(tmp_path / "out"), toy=True)
    assert (cv2.imread(str(tmp_path / "out/one.png")) == 245).all()
    assert (tmp_path / "out/below/two.png").is_file()


def test_infer_translates_one_picture_and_never_overwrites(trained, tmp_path):
    write_png(tmp_path / "one.png", 10)
    run(trained, *INFER, str(tmp_path / "one.png"), str(tmp_path / "out"), toy=True)
    before = (tmp_path / "out/one.png").read_bytes()
    write_png(tmp_path / "one.png", 90)
    _, err = run(trained, *INFER, str(tmp_path / "one.png"), str(tmp_path / "out"), status=2, toy=True)
    assert "one.png: exists already; nothing was written" in err
    assert (tmp_path / "out/one.png").read_bytes() == before


def broken(folder):
    write_png(folder / "in/a.png", 10)
    (folder / "in/b.png").write_bytes(b"not a picture")


def twins(folder):
    write_png(folder / "in/a.png", 10)
    write_png(folder / "in/a.jpg", 10)


def nothing(folder):
    (folder / "in").mkdir()


@pytest.mark.parametrize(
    ("prepare", "direction", "message"),
    [
        (broken, "A2B", "b.png: not a readable picture"),
        (twins, "A2B", "would hold two pictures of the same name"),
        (nothing, "A2B", "holds no picture"),
        (lambda _: None, "A2B", "no such picture"),
        (nothing, "B2A", 'unknown direction "B2A"'),
    ],
)
def test_infer_refuses_bad_input_and_writes_nothing(trained, tmp_path, prepare, direction, message):
    prepare(tmp_path)
    words = [direction if word == "A2B" else word for word in INFER]
    _, err = run(trained, *words, str(tmp_path / "in"), str(tmp_path / "out"), status=2, toy=True)
    assert message in err
    assert not (tmp_path / "out").exists()


def test_messages_survive_a_console_without_unicode(tmp_path):
    _, err = run(
        tmp_path,
        "train",
        "--family",
        "ä",
        "--backend",
        "torch",
        status=2,
        environment={"PYTHONIOENCODING": "ascii"},
    )
    assert "unknown family" in err
