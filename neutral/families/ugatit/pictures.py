"""U-GAT-IT's sample pictures: vertical strips of seven panels, one column per input picture.

For A2B, with heatmap(x) the attention map of the network that made x:

    real_A
    heatmap(fake_A2A)     fake_A2A   = genB2A(real_A)
    heatmap(fake_A2B)     fake_A2B   = genA2B(real_A), the one to look at
    heatmap(fake_A2B2A)   fake_A2B2A = genB2A(fake_A2B)

each heatmap above its picture; for B2A the domains are swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from neutral.backend import Network
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.data import PREVIEWS, TrainingData, ordered, test_images, test_sets
from neutral.images import Picture, Tensor, from_tensor, heatmap_picture
from neutral.state import Array

DIRECTIONS = ("A2B", "B2A")

Translate = Callable[[str, Array], Mapping[str, Array]]
"""(generator, images (N, C, S, S)) -> `out` (N, C, S, S) and `heatmap` (N, 1, h, w), evaluation mode."""


def translator(networks: Mapping[str, Network]) -> Translate:
    """Translation with the generators `genA2B` and `genB2A` of `networks`, without gradients."""
    return lambda name, images: networks[name].forward({"input": images}, train=False)


def translations(direction: str, real: Array, translate: Translate) -> dict[str, Array]:
    """The panels of a strip by name, top to bottom: for A2B `real_A`, `heatmap_A2A`, `fake_A2A`, …

    `real` is one picture as a batch (1, C, S, S).
    """
    source, target = direction[0], direction[-1]
    there, back = f"gen{direction}", f"gen{target}2{source}"
    same = translate(back, real)
    other = translate(there, real)
    cycle = translate(back, other["out"])
    panels = {f"real_{source}": real}
    for name, made in ((f"{source}2{source}", same), (direction, other), (f"{direction}2{source}", cycle)):
        panels[f"heatmap_{name}"] = made["heatmap"]
        panels[f"fake_{name}"] = made["out"]
    return panels


def strip(config: Config, direction: str, real: Array, translate: Translate) -> Picture:
    """The seven panels of one picture (1, C, S, S) below one another: (7 S, S, 3), RGB."""
    height, width = real.shape[2:]
    return np.concatenate(
        [
            heatmap_picture(panel[0, 0], height, width)
            if name.startswith("heatmap")
            else image_picture(config, panel[0])
            for name, panel in translations(direction, real, translate).items()
        ]
    )


def image_picture(config: Config, image: Tensor) -> Picture:
    """An image as the networks see it (C, S, S) -> (S, S, 3) in RGB."""
    return ordered(from_tensor(image), config)


def previews(data: TrainingData, iteration: int, translate: Translate) -> dict[str, Picture]:
    """The sample pictures at `iteration` by file name: `A2B_0001000` and `B2A_0001000`, (7 S, 10 S, 3).

    Five augmented training pictures, then five test pictures; the test pictures go on from one preview to
    the next and begin again at the end. A domain without test pictures has the first five columns only.
    """
    training = data.preview(iteration)
    first = (iteration // data.config.print_freq - 1) * PREVIEWS
    pictures = {}
    for direction in DIRECTIONS:
        domain = direction[0]
        tests = test_images(data.config, domain)
        columns = [image[None] for image in training[f"real_{domain}"]]
        if tests:
            columns += [tests[(first + n) % len(tests)] for n in range(PREVIEWS)]
        strips = [strip(data.config, direction, real, translate) for real in columns]
        pictures[f"{direction}_{iteration:07d}"] = np.concatenate(strips, axis=1)
    return pictures


def test_strips(config: Config, translate: Translate) -> Iterator[tuple[str, Picture]]:
    """File name and strip of every test picture, in file order: `A2B_1`, `A2B_2`, …, `B2A_1`, …

    Raises `DataError` when there are no test pictures on either side.
    """
    sets = test_sets(config)
    for direction in DIRECTIONS:
        tests = sets[direction[0]]
        for n in range(len(tests)):
            yield f"{direction}_{n + 1}", strip(config, direction, tests[n], translate)
