"""The documentation as a site: every page is in it, every link leads somewhere, and reading it asks nobody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r"""<(?:script|img|iframe|link)[^>]+(?:src|href)=["']?(?://|https?:)[^>]*>""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_MKDOCS_2_WARNING": "1", "LANG": "C.UTF-8"}
    command = [Path(sys.executable).parent / "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder / "site"]
    done = subprocess.run(command, cwd=ROOT, env=environ, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_page_is_in_the_site_and_in_its_menu(site: Path) -> None:
    """A page that nobody can find is not documentation."""
    menu = set(re.findall(r"^ +- [^:]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert pages <= menu
    for page in pages:
        assert (site / page.removesuffix(".md") / "index.html").exists()
    assert (site / "index.html").exists()
    kinds = {path.stem for path in (ROOT / "docs" / "kinds").glob("*.md")} - {"README"}
    assert {path.parent.name for path in (site / "kinds").glob("*/index.html")} == kinds


def test_the_readme_leads_to_every_page() -> None:
    """Whoever reads it at the repository has no menu."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"](docs/{path.name})" not in readme] == []


def test_no_page_shows_its_own_markup(site: Path) -> None:
    """Every block of code is one, with the name of its file above it, and what leads to no page is no link."""
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.findall(r"<p>`{3}.*|^`{3}\w+ title=.*", text, re.MULTILINE), path
        prose = re.sub(r"<(pre|code)\b.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.findall(r"\[(?:examples|\.\./)[^\]\n]*\]", prose), path
    assert '<span class="filename">manifests/shop.yaml</span>' in (site / "tour" / "index.html").read_text("utf-8")


def test_reading_the_site_asks_nobody_else(site: Path) -> None:
    """No font, script, image or style comes from another host."""
    for path in site.rglob("*.html"):
        found = [tag for tag in FETCHED.findall(path.read_text("utf-8")) if "rel=canonical" not in tag]
        assert not found, (path, found)
