"""`parity prepare`: demonstration data, data sets put in their place, pictures joined."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

prepare_app = typer.Typer(
    help="Get data ready: a demonstration data set, your own data set checked and linked, pictures joined.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print a machine-readable summary.")]


class DemoFamily(str, Enum):
    """Families that have demonstration data."""

    UGATIT = "ugatit"


@prepare_app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist. For example dataset/demo.")],
    family: Annotated[
        DemoFamily, typer.Option(help="Family whose folder layout to write.")
    ] = DemoFamily.UGATIT,
    size: Annotated[int, typer.Option(min=8, help="Side of the pictures in pixels.")] = 96,
    train: Annotated[int, typer.Option(min=1, help="Training pictures per domain.")] = 24,
    test: Annotated[int, typer.Option(min=0, help="Test pictures per domain.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Another seed cuts other windows.")] = 0,
    as_json: Json = False,
) -> None:
    """Cut a small real data set out of photographs that are installed with scikit-image. No download.

    Domain A: a cat and a cup of coffee. Domain B: tissue under the microscope.
    Test pictures come from other parts of the photographs.

    Example: parity prepare demo dataset/demo
    Then train with: dataset=demo
    """
    from neutral.demo import write_unpaired_demo

    counts = write_unpaired_demo(out, size=size, train=train, test=test, seed=seed)
    summary = {"family": family.value, "path": str(out), "size": size, "counts": counts}
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    _report(summary, [f"{out}: {listed} pictures of {size} x {size}"], as_json)


@prepare_app.command()
def ugatit(
    source: Annotated[Path, typer.Argument(help="Folder with trainA, trainB, testA and testB.")],
    name: Annotated[str, typer.Option(help="Name of the data set; default: the name of SOURCE.")] = "",
    copy: Annotated[
        bool, typer.Option("--copy/--link", help="Copy the pictures, or link to SOURCE.")
    ] = False,
    data_dir: Annotated[Path, typer.Option(help="Folder that holds the data sets.")] = Path("dataset"),
    as_json: Json = False,
) -> None:
    """Check a data set of two unpaired domains and make it known as DATA_DIR/NAME.

    Every picture is read once; what is missing or unreadable is listed.
    The test folders may be empty or missing.
    Any file names: .jpg .jpeg .png .ppm .bmp .pgm .tif, mixed.

    Example: parity prepare ugatit ~/selfie2anime
    Then train with: dataset=selfie2anime
    """
    from neutral.data.prepare import check_unpaired, place_unpaired

    target = data_dir / _dataset_name(name or source.resolve().name)
    report = _with_progress(check_unpaired, source)
    place_unpaired(source, target, copy=copy)
    summary = {**report.as_data(), "target": str(target), "how": "copy" if copy else "link"}
    lines = [f"{target}: {'a copy of' if copy else 'a link to'} {source}"]
    for folder, found in report.folders.items():
        sizes = "" if found.smallest is None else f", {_size(found.smallest)} to {_size(found.largest)}"
        lines.append(f"  {folder:7} {found.count:6} pictures{sizes}")
    _report(summary, lines + [f"  note: {note}" for note in report.notes], as_json)


@prepare_app.command()
def concat(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, left to right.")],
    output: Annotated[Path, typer.Option(help="Picture to write; it must not exist.")] = Path("output.png"),
    as_json: Json = False,
) -> None:
    """Join pictures side by side, scaled to the height of the first: sample pictures for a README.

    Example: parity prepare concat A2B_1.png A2B_2.png --output samples.png
    """
    from neutral.data.prepare import join_horizontally

    width, height = join_horizontally(pictures, output)
    summary = {"output": str(output), "pictures": len(pictures), "width": width, "height": height}
    _report(summary, [f"{output}: {len(pictures)} pictures, {width} x {height}"], as_json)


def _dataset_name(name: str) -> str:
    """`name`, when it can be a single folder."""
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise typer.BadParameter(f'"{name}" is not the name of a folder', param_hint="--name")
    return name


def _size(size: tuple[int, int] | None) -> str:
    return "" if size is None else f"{size[0]} x {size[1]}"


def _with_progress(check: Any, source: Path) -> Any:
    """`check(source, progress)` with a counter on the terminal; silent when there is none."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    columns = (TextColumn("reading {task.completed} {task.description}"),)
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("")
        return check(source, lambda path: bar.update(task, advance=1, description=path.parent.name))


def _report(summary: dict[str, Any], lines: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(summary, indent=2) if as_json else "\n".join(lines))
