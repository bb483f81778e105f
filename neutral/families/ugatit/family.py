"""U-GAT-IT as a family: what training and the suite need to know about it."""

from __future__ import annotations

from neutral.families.ugatit.config import Config
from neutral.families.ugatit.initial import exercise, initial
from neutral.families.ugatit.schedule import learning_rates
from neutral.family import Case, ExportSpec, Family, OptimizerSpec
from neutral.randomness import generator
from neutral.state import Array

GENERATORS = ("genA2B", "genB2A")
DISCRIMINATORS = ("disGA", "disGB", "disLA", "disLB")
NETWORKS = GENERATORS + DISCRIMINATORS


def networks(config: Config) -> tuple[str, ...]:
    """The six networks, in checkpoint order."""
    return NETWORKS


def optimizers(config: Config) -> dict[str, OptimizerSpec]:
    """Two Adam optimizers; the discriminators move first. L2 acts on rho, gamma, beta and biases too."""
    betas = (0.5, 0.999)
    return {
        "discriminator": OptimizerSpec(DISCRIMINATORS, betas, weight_decay=config.weight_decay),
        "generator": OptimizerSpec(GENERATORS, betas, weight_decay=config.weight_decay),
    }


def image_shape(config: Config, batch: int = 1) -> tuple[int, int, int, int]:
    """(N, C, S, S) of one batch of images."""
    return (batch, config.img_ch, config.img_size, config.img_size)


def inputs(config: Config, network: str, batch: int, seed: int) -> dict[str, Array]:
    """A random image batch in [-1, 1) for any of the networks, float64."""
    rng = generator(seed, "inputs", network)
    return {"input": rng.random(image_shape(config, batch)) * 2 - 1}


def synthetic_batch(config: Config, seed: int, iteration: int) -> dict[str, Array]:
    """Random images of both domains for one iteration, in [-1, 1), float64."""
    shape = image_shape(config, config.batch_size)
    return {
        name: generator(seed, "batch", name, iteration).random(shape) * 2 - 1 for name in ("real_A", "real_B")
    }


def exports(config: Config) -> dict[str, ExportSpec]:
    """The generators by direction. The batch is dynamic; height and width too, for the light model."""
    return {direction: _export(config, f"gen{direction}") for direction in ("A2B", "B2A")}


def _export(config: Config, network: str) -> ExportSpec:
    side, channels = config.img_size, config.img_ch
    sizes = [(2, side, side)] + ([(1, 40, 24), (3, 16, 32), (1, 18, 21)] if config.light else [])
    return ExportSpec(
        network=network,
        inputs={"input": (1, channels, side, side)},
        outputs=("output", "cam_logit", "heatmap"),
        dynamic={
            "input": _axes(config, ""),
            "output": _axes(config, "output_"),
            "cam_logit": {0: "batch"},
            "heatmap": _axes(config, "heatmap_"),
        },
        other_shapes=tuple({"input": (batch, channels, height, width)} for batch, height, width in sizes),
        meaning={
            "layout": "NCHW",
            "value_range": "[-1, 1]",
            "color_order": "grey" if channels == 1 else config.color_order.upper(),
        },
    )


def _axes(config: Config, prefix: str) -> dict[int, str]:
    """Dynamic axes of an image. Inputs and outputs have their own: a side of 18 pixels comes out as 20."""
    return {0: "batch"} | ({2: f"{prefix}height", 3: f"{prefix}width"} if config.light else {})


def _case(name: str, *, light: bool, slow: bool = False, share: float = 1.0, **options: object) -> Case:
    smallest = {"ch": 4, "n_res": 1, "img_size": 16, "dis_layers_global": 4, "dis_layers_local": 3}
    weights = {"adv_weight": 2.0, "identity_weight": 5.0}  # the defaults are 1, and equal to cycle_weight
    return Case(name, Config.model_validate({"light": light, **smallest, **weights, **options}), slow, share)


CASES = (
    _case("light", light=True),
    _case("full", light=False),
    _case("light-batch2", light=True, batch_size=2),
    _case("full-batch2", light=False, batch_size=2),
    _case("light-grey", light=True, img_ch=1, share=0.1),
    _case("light-depth", light=True, ch=2, img_size=96, dis_layers_global=7, dis_layers_local=5, share=0.1),
    _case("light-only-d", light=True, only="d", share=0.05),
    _case("light-only-g", light=True, only="g", share=0.05),
    _case("full-small", light=False, n_res=2, img_size=32, dis_layers_global=5, slow=True),
)
"""The smallest light and full models, and one factor changed at a time."""


FAMILY = Family(
    name="ugatit",
    title="U-GAT-IT",
    paper="Kim et al., U-GAT-IT, ICLR 2020, arXiv 1907.10830",
    original="znxlwm/UGATIT-pytorch",
    config=Config,
    networks=networks,
    optimizers=optimizers,
    learning_rates=learning_rates,
    initial=initial,
    exercise=exercise,
    inputs=inputs,
    batch=synthetic_batch,
    cases=CASES,
    exports=exports,
    held={"rho": (0.0, 1.0)},
    extras={
        "training": "neutral.families.ugatit.training",
        "data": "neutral.families.ugatit.data",
        "pictures": "neutral.families.ugatit.pictures",
        "official": "neutral.families.ugatit.official",
        "golden": "neutral.families.ugatit.golden",
    },
)
