"""`docs`: a page for each kind, generated from the kinds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.console import Console
from reconciler.derive import docs
from reconciler.derive.schema import installed
from reconciler.errors import Usage
from reconciler.model import Address
from reconciler.suggest import did_you_mean

if TYPE_CHECKING:
    from reconciler.conformance import Case


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
    pages = docs.pages(kinds, *((None, None) if cases is None else _tried(cases)))
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


def _tried(folder: Path) -> tuple[docs.Cases, dict[str, docs.Shown]]:
    from reconciler.conformance import read_all, tried

    cases = read_all(folder)
    return tried(cases), {case.kind.name: _shown(case) for case in cases}


def _shown(case: Case) -> docs.Shown:
    """The first example under its own name, as a manifest says it."""
    from reconciler.manifest.write import text

    name, example = next(iter(case.said.examples.items()))
    return docs.Shown(text({Address(case.kind.name, name): example.fields}), tuple(case.said.checked))
