"""`docs`: a page for each kind, generated from the kinds."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.console import Console
from reconciler.derive import docs
from reconciler.derive.schema import installed
from reconciler.errors import Usage
from reconciler.suggest import did_you_mean


@click.command("docs")
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write all pages and their index there; pages of kinds that are gone are removed.")
@click.option("--cases", "cases", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Show what the case files there try of each field (docs/conformance.md).")
@click.argument("kind", required=False)
@click.pass_obj
def command(console: Console, /, *, folder: Path | None, cases: Path | None, kind: str | None) -> int:
    """Print the page of a KIND in Markdown, or the index of all; --write makes a file of each."""
    kinds = (kind for vendor in installed() for kind in vendor.bind().values())
    pages = docs.pages(kinds, None if cases is None else _tried(cases))
    if folder is None:
        name = docs.INDEX if kind is None else f"{kind}.md"
        if name not in pages:
            names = sorted(one.removesuffix(".md") for one in pages if one != docs.INDEX)
            raise Usage(f"there is no kind {kind}", did_you_mean(kind or "", names) or f"there are: {', '.join(names)}")
        console.page(pages[name])
        return 0
    if kind is not None:
        raise Usage("--write makes the pages of all kinds", "reconciler docs KIND prints one")
    for name, text in pages.items():
        console.write(folder / name, text)
    for path in folder.glob("*.md"):
        if path.name not in pages and path.read_bytes().startswith(docs.GENERATED.encode()):
            path.unlink()
    return 0


def _tried(folder: Path) -> docs.Cases:
    from reconciler.conformance import read_all, tried

    return tried(read_all(folder))
