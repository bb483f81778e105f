"""The training loop: what it writes, that it resumes exactly, how it stops. Real processes and signals."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tensorboard.compat.proto.event_pb2 import Event

TOY = Path(__file__).with_name("toy_family.py")
PLACE = ("dataset=toy",)


def start(folder, *words, **how):
    """A training process in `folder`."""
    command = [sys.executable, str(TOY), "train", "--family", "toy", "--backend", "numpy", *PLACE, *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **how,
    )


def finish(process, status=0):
    """(stdout, stderr) of a process that must end with `status`."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    return out, err


def train(folder, *words, status=0):
    return finish(start(folder, *words), status)


def root(folder):
    return folder / "results" / "toy"


def metrics(folder):
    return [json.loads(line) for line in (root(folder) / "logs/metrics.jsonl").read_text().splitlines()]


def tensors(folder, iteration):
    """The bytes of both tensor files of one checkpoint."""
    place = root(folder) / f"model/step_{iteration:07d}"
    return [(place / name).read_bytes() for name in ("model.safetensors", "training.safetensors")]


def checkpoints(folder):
    return sorted(entry.name for entry in (root(folder) / "model").iterdir())


def wait_for_line(folder, count):
    """Wait until the run has logged `count` iterations."""
    file = root(folder) / "logs/metrics.jsonl"
    deadline = time.monotonic() + 60
    while not file.exists() or file.read_text().count("\n") < count:
        assert time.monotonic() < deadline, "the run did not get that far"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run of 40 iterations."""
    folder = tmp_path_factory.mktemp("whole")
    out, err = train(folder, "iteration=40", "--json")
    return folder, json.loads(out), err


def test_the_layout(whole):
    folder, result, _ = whole
    assert checkpoints(folder) == [f"step_00000{n}" for n in (10, 20, 30, 40)]
    assert sorted(entry.name for entry in (root(folder) / "img").iterdir()) == [
        f"A2B_00000{n}.png" for n in (10, 20, 30, 40)
    ]
    options = yaml.safe_load((root(folder) / "config.resolved.yml").read_text())
    assert options["iteration"] == 40
    assert options["lr"] == 0.1
    assert json.loads((root(folder) / "env.json").read_text())["backend"] == "numpy"
    assert result["iteration"] == 40
    assert Path(result["checkpoint"]) == Path("results/toy/model/step_0000040")


def test_every_loss_of_every_logged_iteration_is_in_the_metrics(whole):
    folder, result, _ = whole
    entries = metrics(folder)
    assert [entry["iteration"] for entry in entries] == list(range(1, 41))
    assert sorted(entries[0]["losses"]) == ["Generator_loss", "other"]
    assert entries[4]["learning_rates"] == {"G": 0.1 / 5}
    assert entries[-1]["losses"] == result["losses"]
    times = [entry["time"] for entry in entries]
    assert times == sorted(times)


def test_the_text_log_has_the_known_columns(whole):
    folder, _, err = whole
    log = (root(folder) / "logs/train.log").read_text()
    for text in (log, err):
        assert "[ 5/40] time: " in text
        assert ", g_lr: 0.0200000, g_loss: " in text
        assert "absent" not in text
        assert "saved results/toy/model/step_0000040" in text
    assert "light" in log


def read_events(folder):
    """All TensorBoard events of a run, file by file."""
    events = []
    for file in sorted((root(folder) / "logs/tb").iterdir()):
        data = file.read_bytes()
        while data:
            length = int.from_bytes(data[:8], "little")
            events.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return events


def test_tensorboard_gets_curves_and_pictures(whole):
    folder, _, _ = whole
    values = {
        (event.step, value.tag): value for event in read_events(folder) for value in event.summary.value
    }
    expected = metrics(folder)[6]["losses"]["Generator_loss"]
    assert values[7, "loss/Generator_loss"].simple_value == pytest.approx(expected, rel=1e-6)
    assert values[7, "learning_rate/G"].simple_value == pytest.approx(0.1 / 7)
    assert values[20, "samples/A2B"].image.encoded_image_string.startswith(b"\xff\xd8")
    assert values[20, "samples/A2B"].image.width == 8


def test_tensorboard_files_are_read_by_tensorboard(whole):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    folder, _, _ = whole
    (file,) = (root(folder) / "logs/tb").iterdir()
    assert len(list(EventFileLoader(str(file)).Load())) == len(read_events(folder))


def test_logging_imports_no_framework():
    code = "import sys, neutral.training.events, neutral.training.loop; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "paddle", "tensorflow"} & set(done.stdout.split())
    assert "tensorboard.summary.writer.record_writer" in done.stdout.split()


def test_a_run_in_two_parts_is_the_run_in_one(whole, tmp_path):
    train(tmp_path, "iteration=16")
    train(tmp_path, "--resume", "iteration=40")
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)
    assert [entry["losses"] for entry in metrics(tmp_path)] == [
        entry["losses"] for entry in metrics(whole[0])
    ]


def test_worker_processes_change_nothing(whole, tmp_path):
    train(tmp_path, "iteration=40", "workers=1")
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)


def test_another_seed_is_another_run(whole, tmp_path):
    train(tmp_path, "iteration=40", "seed=1")
    assert tensors(tmp_path, 40) != tensors(whole[0], 40)


def test_a_killed_run_resumes_bit_identically(whole, tmp_path):
    """SIGKILL at random moments, several times; each session must get further than the last checkpoint."""
    rng = random.Random(0)
    words = ("iteration=40", "delay=0.01")
    for kill in range(4):
        process = start(tmp_path, *words, *(("--resume",) if kill else ()))
        wait_for_line(tmp_path, 1 + 8 * kill)
        time.sleep(rng.uniform(0, 0.08))
        process.kill()
        finish(process, -signal.SIGKILL)
    _, err = train(tmp_path, *words, "--resume")
    assert "resumed after iteration" in err
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)
    assert [entry["losses"] for entry in metrics(tmp_path)] == [
        entry["losses"] for entry in metrics(whole[0])
    ]
    assert checkpoints(tmp_path) == checkpoints(whole[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(whole, tmp_path, number):
    process = start(tmp_path, "iteration=40", "delay=0.05")
    wait_for_line(tmp_path, 6)
    process.send_signal(number)
    _, err = finish(process, 130)
    last = metrics(tmp_path)[-1]["iteration"]
    assert checkpoints(tmp_path)[-1] == f"step_{last:07d}"
    assert f"stopped by {number.name} after iteration {last} of 40" in err
    assert "parity train --family toy --backend numpy --resume --dataset toy --result_dir results" in err
    assert "Traceback" not in err
    train(tmp_path, "--resume", "delay=0")
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)


def test_a_second_signal_stops_at_once(tmp_path):
    process = start(tmp_path, "delay=2")
    wait_for_line(tmp_path, 1)
    process.send_signal(signal.SIGINT)
    assert any("SIGINT: finishing this iteration" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    _, err = finish(process, 130)
    assert time.monotonic() - begin < 1.5
    assert "stopped at once" in err
    assert "Traceback" not in err


def test_ctrl_c_in_a_terminal_reaches_the_workers_too_and_still_saves(whole, tmp_path):
    process = start(tmp_path, "iteration=40", "delay=0.05", "workers=2", start_new_session=True)
    wait_for_line(tmp_path, 3)
    os.killpg(process.pid, signal.SIGINT)
    _, err = finish(process, 130)
    assert "stopped by SIGINT after iteration" in err
    assert "Traceback" not in err
    train(tmp_path, "--resume", "delay=0", "workers=0")
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)


def limit_files():
    """No file may grow beyond 100 kB: what a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_ends_the_run_with_a_clear_error(tmp_path):
    _, err = finish(start(tmp_path, "size=200", "latest_freq=5", preexec_fn=limit_files), 2)
    assert "error: results/toy/model/step_0000005: cannot be written" in err
    assert "Traceback" not in err
    assert checkpoints(tmp_path) == []


def test_a_full_disk_for_the_logs_is_a_clear_error_and_keeps_the_checkpoints(tmp_path):
    train(tmp_path, "iteration=12")
    with (root(tmp_path) / "logs/train.log").open("a") as file:
        file.write("x" * 100_000)
    _, err = finish(start(tmp_path, "--resume", "iteration=14", preexec_fn=limit_files), 2)
    assert "train.log: cannot be written" in err
    assert "Traceback" not in err
    assert checkpoints(tmp_path) == ["step_0000010", "step_0000012"]


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    _, err = train(tmp_path, "explode_at=15", status=4)
    assert "iteration 15: Generator_loss = nan: training has diverged" in err
    assert "last good checkpoint is results/toy/model/step_0000012" in err
    assert checkpoints(tmp_path) == ["step_0000010", "step_0000012"]


def test_a_state_that_is_not_finite_is_not_saved(tmp_path):
    _, err = train(tmp_path, "spoil_at=12", status=4)
    assert "iteration 12: 1 tensors hold values that are not finite, first gen.weight" in err
    assert checkpoints(tmp_path) == ["step_0000008", "step_0000010"][1:]


def test_only_the_newest_latest_and_the_last_kept_stay(tmp_path):
    train(tmp_path, "iteration=33", "keep_last=2")
    assert checkpoints(tmp_path) == ["step_0000030", "step_0000033"]


def test_a_second_run_in_the_same_place_is_refused(whole):
    folder, _, _ = whole
    before = tensors(folder, 40)
    _, err = train(folder, "iteration=50", status=2)
    assert "results/toy: holds a run already. Go on with it (--resume), or choose another place" in err
    assert tensors(folder, 40) == before
    assert len(metrics(folder)) == 40


def test_resume_without_a_run_is_refused(tmp_path):
    _, err = train(tmp_path, "--resume", status=2)
    assert "results/toy: holds no run to resume" in err
    assert not root(tmp_path).exists()


def test_resume_of_a_finished_run_does_nothing(whole):
    folder, _, _ = whole
    before = tensors(folder, 40)
    _, err = train(folder, "--resume", "True")
    assert "nothing to do" in err
    assert tensors(folder, 40) == before


def test_another_architecture_is_refused_with_both_values(whole):
    _, err = train(whole[0], "--resume", "size=5", status=2)
    assert "a model of another size or kind" in err
    assert "size: the checkpoint has 3, asked for is 5" in err


def test_other_changes_are_taken_and_said(tmp_path):
    train(tmp_path, "iteration=12")
    _, err = train(tmp_path, "--resume", "lr=0.2", "iteration=14")
    assert "changed since the checkpoint: lr: 0.1 -> 0.2" in err
    assert "iteration: 12 -> 14" in err
    assert metrics(tmp_path)[-1]["learning_rates"]["G"] == pytest.approx(0.2 / 14)


def test_options_that_are_not_given_stay_as_they_were(tmp_path):
    train(tmp_path, "iteration=12", "lr=0.3")
    train(tmp_path, "--resume", "iteration=14")
    assert metrics(tmp_path)[-1]["learning_rates"]["G"] == pytest.approx(0.3 / 14)


def test_resume_passes_over_a_damaged_checkpoint(whole, tmp_path):
    train(tmp_path, "iteration=40")
    file = root(tmp_path) / "model/step_0000040/training.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    _, err = train(tmp_path, "--resume")
    assert "passed over: results/toy/model/step_0000040/training.safetensors: truncated" in err
    assert "resumed after iteration 30 of 40" in err
    assert tensors(tmp_path, 40) == tensors(whole[0], 40)
    assert [entry["iteration"] for entry in metrics(tmp_path)] == list(range(1, 41))


def test_metrics_of_a_resumed_run_have_no_half_lines(tmp_path):
    train(tmp_path, "iteration=12")
    with (root(tmp_path) / "logs/metrics.jsonl").open("a") as file:
        file.write('{"iteration": 13, "los')
    train(tmp_path, "--resume", "iteration=14")
    assert [entry["iteration"] for entry in metrics(tmp_path)] == list(range(1, 15))


def test_no_preview_writes_no_pictures(tmp_path):
    train(tmp_path, "--no_preview")
    assert not (root(tmp_path) / "img").exists()


def test_a_missing_device_is_an_environment_fault(tmp_path):
    _, err = train(tmp_path, "--device", "cuda", status=3)
    assert "device cuda: numpy has the cpu only" in err
    assert not root(tmp_path).exists()


def test_a_result_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "results").write_text("a file")
    _, err = train(tmp_path, status=2)
    assert "cannot be written" in err
    assert "Traceback" not in err
    assert (tmp_path / "results").read_text() == "a file"
