"""Options: validation that names the key, the value and the nearest known key; files; U-GAT-IT's sizes."""

import pytest

from neutral.config import load_config, merge_overrides, parse_overrides, validate
from neutral.errors import ConfigError
from neutral.families.ugatit.config import Config

TINY = {"light": True, "ch": 4, "n_res": 1, "img_size": 16, "dis_layers_global": 4, "dis_layers_local": 3}


def test_the_defaults_are_those_of_the_original():
    config = validate(Config, {}, "options")
    expected = {
        "light": False,
        "dataset": "YOUR_DATASET_NAME",
        "iteration": 1_000_000,
        "batch_size": 1,
        "print_freq": 1000,
        "save_freq": 100_000,
        "decay_flag": True,
        "lr": 1e-4,
        "weight_decay": 1e-4,
        "adv_weight": 1.0,
        "cycle_weight": 10.0,
        "identity_weight": 10.0,
        "cam_weight": 1000.0,
        "ch": 64,
        "n_res": 4,
        "n_dis": 6,
        "img_size": 256,
        "img_ch": 3,
        "result_dir": "results",
    }
    assert {key: getattr(config, key) for key in expected} == expected
    assert (config.global_layers, config.local_layers) == (7, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sav_freq": 3}, r'sav_freq: unknown option; did you mean "save_freq"\?'),
        ({"zzz": 3}, "zzz: unknown option$"),
        ({"batch_size": 0}, "batch_size: .*greater than or equal to 1 .given: 0"),
        ({"ch": "wide"}, "ch: .*integer.*'wide'"),
        ({"iteration": 2.5}, "iteration: .*2.5"),
        ({"light": "rue"}, "light: .*boolean.*'rue'"),
        ({"light": ""}, "light: .*boolean"),
        ({"device": "gpu"}, "device: "),
        ({"img_ch": 2}, "img_ch: .*1 or 3"),
        ({"lr": -1}, "lr: "),
        ({"n_dis": 3}, "n_dis: "),
        ({"img_size": 95}, "img_size 95 is too small for 7 discriminator layers: at least 96"),
        ({"img_size": 98}, "img_size 98 is no multiple of 4"),
        ({"lr_rule": "cosine"}, "lr_rule: "),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        validate(Config, options, "options")


def test_all_problems_are_named_at_once():
    with pytest.raises(ConfigError, match="2 wrong options") as caught:
        validate(Config, {"lihgt": True, "ch": "x"}, "run.toml")
    assert "run.toml" in str(caught.value)
    assert '"light"' in str(caught.value)
    assert "ch:" in str(caught.value)


def test_an_odd_number_of_iterations_is_warned_about():
    with pytest.warns(UserWarning, match="iteration 7 is odd"):
        validate(Config, {**TINY, "iteration": 7}, "options")


@pytest.mark.parametrize("light", [True, False])
def test_a_size_that_would_not_come_back_is_refused(light):
    """30 pixels come back as 32 from the generators, and cannot be compared with the image."""
    with pytest.raises(ConfigError, match="img_size 30 is no multiple of 4"):
        validate(Config, {**TINY, "light": light, "img_size": 30}, "options")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.toml", 'light = true\nlr = 1e-3\ndataset = "cats"\n'),
        ("run.yml", "light: true\nlr: 1e-3\ndataset: cats\n"),
        ("run.yaml", "{light: true, lr: 0.001, dataset: cats}"),
    ],
)
def test_a_file_and_overrides(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text)
    config = load_config(Config, file, ["lr=2e-3"])
    assert (config.light, config.lr, config.dataset) == (True, 2e-3, "cats")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.toml", b"light = = true", "run.toml: .*line 1"),
        ("run.yml", b"a: [1", "run.yml: .*line"),
        ("run.yml", b"- a\n- b", "run.yml: holds a list"),
        ("run.yml", b"\xff\xfe\x00", "run.yml: cannot be read"),
        ("run.json", b"{}", "run.json: a configuration file ends in"),
        ("run.yml", b"x: !!python/object/apply:os.getcwd []", "run.yml: .*python"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        load_config(Config, file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read"):
        load_config(Config, tmp_path / "absent.toml")


def test_an_empty_file_is_no_options(tmp_path):
    (tmp_path / "run.yml").write_text("")
    assert load_config(Config, tmp_path / "run.yml") == Config.model_validate({})


@pytest.mark.parametrize("text", ["light", "=3", " = 3"])
def test_an_override_without_key_or_value_is_refused(text):
    with pytest.raises(ConfigError, match="form key=value"):
        parse_overrides([text])


def test_a_value_may_hold_an_equals_sign():
    assert parse_overrides(["dataset=a=b"]) == {"dataset": "a=b"}


def test_merged_options_are_validated_again():
    config = validate(Config, TINY, "options")
    assert merge_overrides(config, {"lr": 0.5}).lr == 0.5
    with pytest.raises(ConfigError, match="too small"):
        merge_overrides(config, {"img_size": 8})


def test_a_configuration_cannot_change():
    config = validate(Config, TINY, "options")
    with pytest.raises(ValueError, match="frozen"):
        config.lr = 1.0
