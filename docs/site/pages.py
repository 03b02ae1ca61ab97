"""The site's pages: the README is its home, and files outside of docs/ that a page links to come along."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
OUTSIDE = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#\s]+)(#[^)]*)?\)")
TITLED = re.compile(r"^(```\w+ title=)(\S+)$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """The home page, and every file outside of docs/ that a page names."""
    readme = re.sub(r"\]\(docs/", "](", (ROOT / "README.md").read_text("utf-8"))
    readme = re.sub(r"\]\((CONTRIBUTING\.md|CHANGELOG\.md|LICENSE)\)", r"](repository/\1)", readme)
    files.append(File.generated(config, "index.md", content=readme))
    named = {ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")}
    for page in files.documentation_pages():
        if page.abs_src_path:
            folder = Path(page.abs_src_path).parent
            named |= {(folder / hit[2]).resolve() for hit in OUTSIDE.finditer(page.content_string)}
    for path in sorted(named):
        inside = path.relative_to(ROOT)
        if path.is_file() and inside.parts[0] != "docs":
            content = path.read_bytes()
            if path.suffix == ".md":
                content = content.replace(b"](docs/", b"](../")
            files.append(File.generated(config, f"repository/{_shown(inside)}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links that leave docs/ lead to the copies; a folder is named and no link. The site wants the titles of files quoted."""
    folder = Path(page.file.src_uri).parent

    def put(hit: re.Match[str]) -> str:
        path = (ROOT / "docs" / folder / hit[2]).resolve()
        if path.is_relative_to(ROOT / "docs"):
            return hit[0]
        up = "../" * (len(folder.parts))
        return f"[{hit[1]}]({up}repository/{_shown(path.relative_to(ROOT))})" if path.is_file() else hit[1]

    return TITLED.sub(r'\1"\2"', OUTSIDE.sub(put, markdown))


def _shown(inside: Path) -> str:
    """A file as the server shows it: what begins with a dot would be left out."""
    return "/".join(part.removeprefix(".") for part in inside.parts)
