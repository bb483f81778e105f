"""Which files make up a published U-GAT-IT checkpoint, and what their names say.

torch       `<dataset>_params_0100000.pt`                 six state dicts
paddle      `<dataset>_<net>_params_0100000.pdparams`     six files, one per network
paddlegan   any name ending in `.pdparams`                one state dict per network
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neutral.errors import CheckpointError
from neutral.families.ugatit.family import NETWORKS

ONE = re.compile(r"(?P<dataset>.+)_params_(?P<iteration>\d+)\.pt")
OF_SIX = re.compile(rf"(?P<dataset>.+)_(?P<net>{'|'.join(NETWORKS)})_params_(?P<iteration>\d+)\.pdparams")


@dataclass(frozen=True)
class Named:
    """Files of one checkpoint by network (or all in one, under ""), and what their names say."""

    files: Mapping[str, Path]
    dataset: str | None
    iteration: int | None


def torch_name(dataset: str, iteration: int) -> str:
    """File name of the official PyTorch project."""
    return f"{dataset}_params_{iteration:07d}.pt"


def paddle_name(dataset: str, network: str, iteration: int) -> str:
    """File name of one network in the Paddle port."""
    return f"{dataset}_{network}_params_{iteration:07d}.pdparams"


def named(source: Path) -> Named:
    """The checkpoint that `source` belongs to: a file, one of six files, or the newest one of a folder."""
    if source.is_dir():
        return _newest(source)
    if match := OF_SIX.fullmatch(source.name):
        six = _six(source, match)
        missing = [str(file) for file in six.files.values() if not file.is_file()]
        if missing:
            raise CheckpointError(
                f"{source}: one of six files, and these are missing:\n  " + "\n  ".join(missing)
            )
        return six
    if match := ONE.fullmatch(source.name):
        return Named({"": source}, match["dataset"], int(match["iteration"]))
    return Named({"": source}, None, None)


def _six(file: Path, match: re.Match[str]) -> Named:
    """`file` and its five companions, whether they exist or not."""
    names = {net: f"{match['dataset']}_{net}_params_{match['iteration']}.pdparams" for net in NETWORKS}
    files = {net: file.with_name(name) for net, name in names.items()}
    return Named(files, match["dataset"], int(match["iteration"]))


def _newest(folder: Path) -> Named:
    """The complete checkpoint of the largest iteration in `folder`; cut sets of six are passed over."""
    found: list[Named] = []
    for entry in sorted(folder.iterdir()):
        if match := ONE.fullmatch(entry.name):
            found.append(named(entry))
        match = OF_SIX.fullmatch(entry.name)
        if match and match["net"] == NETWORKS[0]:
            six = _six(entry, match)
            found += [six] if all(file.is_file() for file in six.files.values()) else []
    if not found:
        raise CheckpointError(
            f"{folder}: holds no checkpoint: no model.safetensors, no state.json, no *_params_0100000.pt, "
            "and no complete set of six *_<net>_params_0100000.pdparams"
        )
    if len({(item.dataset, "" in item.files) for item in found}) > 1:
        raise CheckpointError(f"{folder}: holds checkpoints of several runs or kinds; name the file")
    return max(found, key=lambda item: item.iteration or 0)
