"""The rules of the house: layers, sizes, versions, and that a user's first commands are the tested ones."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGES = ("neutral", "torch_impl", "paddle_impl", "parity")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted(
    file for folder in (*PACKAGES, "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")
)
TEXTS = [
    *SOURCES,
    *(ROOT / "docs").rglob("*.md"),
    *ROOT.glob("*.*"),
    ROOT / ".ci" / "run",
]
LONGEST_FILE = 400


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on the packages in `folder`."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, to be spoilt."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout
    assert "4 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("neutral/randomness.py", "torch"),
        ("neutral/randomness.py", "paddle_impl.layers"),
        ("neutral/randomness.py", "parity.tolerance"),
        ("parity/tolerance.py", "torch_impl.layers"),
        ("torch_impl/layers.py", "paddle"),
        ("paddle_impl/layers.py", "parity.tolerance"),
    ],
)
def test_import_inside_a_function_breaks_a_contract(copy: Path, file: str, module: str) -> None:
    spoilt = copy / file
    text = spoilt.read_text(encoding="utf-8")
    spoilt.write_text(f"{text}\n\ndef hidden() -> None:\n    import {module}\n", encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode == 1
    assert module.partition(".")[0] in result.stdout.partition("Broken contracts")[2]


def test_files_are_short() -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert lengths
    assert {str(file): length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_sources_are_valid_in_the_oldest_python() -> None:
    oldest = re.search(r">=3\.(\d+)", PROJECT["project"]["requires-python"])
    assert oldest is not None
    for file in SOURCES:
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, int(oldest[1])))


def test_no_path_of_a_machine_and_no_unfinished_work() -> None:
    wrong = re.compile(
        r"(?<![\w.])/(?:work|root|home|farm|tmp/\w)|\.\./shar"
        + r"ed|\b(?:TO"
        + r"DO|FIX"
        + r"ME)\b|index-"
        + "url"
    )
    found = {
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in TEXTS
        if file.is_file() and file != Path(__file__)
        for match in wrong.finditer(file.read_text(encoding="utf-8"))
    }
    assert found == set()


def constraints(python: str) -> dict[str, Requirement]:
    """The constraints in force for a Python version, by normalised name."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    chosen = [item for item in parsed if item.marker is None or item.marker.evaluate(environment)]
    names = [normalised(item.name) for item in chosen]
    assert len(names) == len(set(names)), f"a package is pinned twice for Python {python}"
    return dict(zip(names, chosen, strict=True))


def normalised(name: str) -> str:
    """The name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_runtime_requirements_are_pinned_to_versions_that_are_allowed(python: str) -> None:
    pinned = constraints(python)
    environment = {**default_environment(), "python_version": python}
    extras = PROJECT["project"]["optional-dependencies"]
    for text in (*PROJECT["project"]["dependencies"], *extras["torch"], *extras["paddle"], *extras["onnx"]):
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate(environment):
            continue
        version = str(pinned[normalised(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{text}: pinned to {version}"


def test_constraints_name_no_build_of_one_machine() -> None:
    for python in ("3.10", "3.13"):
        assert all(re.fullmatch(r"==[0-9.]+", str(item.specifier)) for item in constraints(python).values())


def test_ci_runs_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^python3 -m venv \.tox/tool && (.+)$", readme, flags=re.MULTILINE)
    assert command is not None
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace(" --quiet", "")
    assert all(f"\n{part}\n" in script for part in command[1].split(" && "))


def test_installation_command_names_an_extra_that_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"-e '\.\[([a-z,]+)\]'", readme))
    assert named
    assert {extra for names in named for extra in names.split(",")} <= set(
        PROJECT["project"]["optional-dependencies"]
    )
