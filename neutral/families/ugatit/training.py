"""What U-GAT-IT adds to the training loop: log columns, start banner, data, sample pictures, test phase."""

from __future__ import annotations

from pathlib import Path

from neutral.backend import Model
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.data import TrainingData, load_image, training_data
from neutral.families.ugatit.pictures import image_picture, previews, test_strips, translator
from neutral.images import Picture
from neutral.training.hooks import Hooks, Networks, Pictures


def banner(config: Config) -> dict[str, object]:
    """What the original prints at the start of a run."""
    return {
        "light": config.light,
        "dataset": config.dataset,
        "batch size": config.batch_size,
        "iterations": config.iteration,
        "image size": config.img_size,
        "generator: residual blocks": config.n_res,
        "discriminator: layers": f"global {config.global_layers}, local {config.local_layers}",
        "weight adversarial": config.adv_weight,
        "weight cycle": config.cycle_weight,
        "weight identity": config.identity_weight,
        "weight CAM": config.cam_weight,
    }


def architecture(config: Config) -> dict[str, object]:
    """What the shapes depend on; the image size only in the full model, whose first FC sees all pixels."""
    sizes: dict[str, object] = {
        "light": config.light,
        "img_ch": config.img_ch,
        "ch": config.ch,
        "n_res": config.n_res,
        "dis_layers_global": config.global_layers,
        "dis_layers_local": config.local_layers,
    }
    return sizes if config.light else sizes | {"img_size": config.img_size}


def describe(data: TrainingData) -> str:
    """The number of training pictures of each domain."""
    counts = data.counts
    return ", ".join(f"{count} training pictures of {domain}" for domain, count in counts.items())


def sample_pictures(data: TrainingData, iteration: int, networks: Networks) -> Pictures:
    """Seven panels per picture, both directions; nothing with `no_preview`."""
    if data.config.no_preview:
        return ()
    return previews(data, iteration, translator(networks)).items()


def test(config: Config, networks: Networks) -> Pictures:
    """The strip of every test picture, both directions."""
    return test_strips(config, translator(networks))


def translate(config: Config, network: Model, path: Path) -> Picture:
    """The picture in `path`, resized to the image size and translated by one generator."""
    output = network.forward({"input": load_image(config, path)}, train=False)["out"]
    return image_picture(config, output[0])


HOOKS = Hooks(
    rates={"d_lr": "discriminator", "g_lr": "generator"},
    headline={"d_loss": "Discriminator_loss", "g_loss": "Generator_loss"},
    banner=banner,
    architecture=architecture,
    data=training_data,
    describe=describe,
    previews=sample_pictures,
    test_networks=("genA2B", "genB2A"),
    test=test,
    translate=translate,
)
