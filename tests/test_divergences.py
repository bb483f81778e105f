"""Every snippet of docs/divergences.md runs and its assertions hold with the installed versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "divergences.md"


def snippets() -> dict[str, str]:
    """The Python snippets of the page by the heading they stand below."""
    found: dict[str, str] = {}
    for section in re.split(r"^#+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        codes = re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        if codes:
            found[heading] = "\n".join(codes)
    return found


PRELUDE, *HEADINGS = snippets()


@pytest.fixture(scope="module")
def imports() -> dict[str, Any]:
    """What the page's first snippet imports."""
    names: dict[str, Any] = {}
    exec(snippets()[PRELUDE], names)
    return names


@pytest.mark.filterwarnings("ignore:When training, we now always track global mean")
@pytest.mark.parametrize("heading", HEADINGS)
def test_snippet(heading: str, imports: dict[str, Any]) -> None:
    code = snippets()[heading]
    assert "assert " in code
    exec(compile(code, f"{PAGE.name}: {heading}", "exec"), dict(imports))


def test_every_row_of_the_table_links_to_a_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    links = re.findall(r"\]\(#([a-z0-9-]+)\)", text)
    headings = re.findall(r"^##+ (.+)$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert links
    assert set(links) <= anchors
    assert len(links) == len(HEADINGS)
