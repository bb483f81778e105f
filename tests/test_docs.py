"""The documentation says what is there: options, commands, files and links exist. Needs no framework."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from neutral import registry
from neutral.cli.options import table
from neutral.config import FamilyConfig
from parity.cli import app
from parity.selection import add_options

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def text_of(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def code_lines(page: Path) -> list[str]:
    """Lines of the fenced blocks of a page."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page))
    missing = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_text_exist(page: Path) -> None:
    names = re.findall(
        r"`((?:neutral|parity|torch_impl|paddle_impl|tests|docs|benchmarks)/[\w/.-]*)`", text_of(page)
    )
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", registry.FAMILIES)
def test_options_of_a_family_are_documented_as_they_are(name: str) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", text_of(ROOT / "docs" / f"{name}.md"), flags=re.MULTILINE
    )
    kind = registry.family(name).config
    shown = [re.split(r"\s{2,}", line.strip(), maxsplit=2) for line in table(kind).splitlines()]
    assert [list(row) for row in rows] == shown


def known_options(command: str) -> set[str]:
    """The options of a command of `parity`, with those of the families where it takes them."""
    own = COMMANDS[command]
    words = {word for parameter in own.params for word in parameter.opts}
    for sub in getattr(own, "commands", {}).values():
        words |= {word for parameter in sub.params for word in parameter.opts}
    return words


def family_options() -> set[str]:
    """The options of any family."""
    kinds: list[type[FamilyConfig]] = [registry.family(name).config for name in registry.FAMILIES]
    return {option for kind in kinds for option in kind.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in (line for line in code_lines(page) if line.startswith("parity ")):
        command, *words = shlex.split(line)[1:]
        assert command in COMMANDS, line
        for word in words:
            key, equals, _ = word.partition("=")
            if word.startswith("--"):
                assert key in known_options(command), line
            elif equals:
                assert key in family_options(), line


def test_readme_names_every_command_and_no_other() -> None:
    named = re.findall(r"^\| `parity (\w+)` \|", text_of(ROOT / "README.md"), flags=re.MULTILINE)
    assert sorted(named) == sorted(COMMANDS)


def test_readme_names_every_option_of_the_suite() -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    options = [name for option in parser.getgroup("parity").options for name in option.names()]
    readme = text_of(ROOT / "README.md")
    assert len(options) >= 8
    assert [name for name in options if name not in readme] == []
