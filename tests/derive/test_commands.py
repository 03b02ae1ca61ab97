"""The commands over what is derived: schema, docs, explain, output, graph, completion."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from reconciler.cli.program import run
from reconciler.derive.docs import GENERATED
from tests.derive.conftest import Shop


class Line:
    """The command line in a folder: exit code, stdout, stderr."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = run([*words])
        out, err = self.capsys.readouterr()
        return code, out, err

    def sandboxed(self, *words: str) -> tuple[int, str, str]:
        """The same over the project, in the sandbox."""
        return self(*words, "--sandbox", "-C", str(self.folder))


@pytest.fixture
def line(shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    return Line(shop.folder, capsys)


def test_explain_takes_an_entry_a_kind_or_a_field(line: Line) -> None:
    """The same word that an error's help names leads to the explanation."""
    assert line.sandboxed("explain", "stripe.price/monthly")[1].startswith("stripe.price/monthly  create  [money]\n")
    assert line("explain", "stripe.price")[1].startswith("stripe.price\n")
    assert line("explain", "stripe.price.recurring.interval")[1].startswith("stripe.price.recurring.interval\n")


@pytest.mark.parametrize(("word", "message", "hint"), [
    ("stripe.prise", "there is no kind stripe.prise", 'did you mean "stripe.price"?'),
    ("stripe.price.recuring", "stripe.price has no field recuring", 'did you mean "recurring"?'),
    ("stripe.price/montly", "stripe.price/montly is neither declared nor ours", 'did you mean "stripe.price/monthly"?'),
    ("nothing", "there is no kind nothing", "there are: "),
])
def test_explain_of_something_unknown_is_a_usage_error(line: Line, word: str, message: str, hint: str) -> None:
    """Exit 64, with the nearest word."""
    code, out, err = line.sandboxed("explain", word)
    assert (code, out) == (64, "")
    assert message in err
    assert hint in err


def test_output_writes_what_is_listed_and_knows_when_it_is_stale(line: Line, shop: Shop) -> None:
    """`--check` exits 2 before and 0 after; the file is written whole, and a file that is no text is stale too."""
    config = shop.folder / "reconciler.yaml"
    config.write_text(config.read_text("utf-8") + "outputs: {dotenv: {file: out/.env, prefix: SHOP_}}\n", "utf-8")
    shop.apply()
    assert line.sandboxed("output", "--check")[:2] == (2, "out/.env is stale\n")
    assert not (shop.folder / "out").exists()
    assert line.sandboxed("output")[0] == 0
    assert "SHOP_STRIPE_PRODUCT_PRO_ID=pro\n" in (shop.folder / "out" / ".env").read_text("utf-8")
    assert line.sandboxed("output", "--check")[:2] == (0, "")
    (shop.folder / "out" / ".env").write_bytes(b"\xff\xfe")
    assert line.sandboxed("output", "--check")[0] == 2


def test_output_says_what_is_not_there_yet(line: Line, shop: Shop) -> None:
    """An application must not learn by a missing variable that nothing was applied."""
    code, out, err = line.sandboxed("output", "--format", "json")
    assert (code, json.loads(out)) == (0, {})
    assert "not there yet, so without outputs: stripe.price/monthly, stripe.product/pro; apply makes them" in err
    shop.apply()
    code, out, err = line.sandboxed("output", "--format", "json")
    assert json.loads(out)["stripe.product/pro"]["id"] == "pro"
    assert "not there yet" not in err


def test_a_file_outside_of_the_project_is_never_written(line: Line, shop: Shop) -> None:
    """`outputs:` may be edited by a pull request; it can't reach elsewhere."""
    config = shop.folder / "reconciler.yaml"
    config.write_text(config.read_text("utf-8") + "outputs: {json: {file: ../out.json}}\n", "utf-8")
    code, _, err = line.sandboxed("output")
    assert code == 64
    assert "outside of the project" in err
    assert not (shop.folder.parent / "out.json").exists()


def test_graph_is_offline(line: Line) -> None:
    """No credential is needed, and each form is one of the three."""
    code, out, _ = line("graph", "-C", str(line.folder), "--format", "mermaid")
    assert (code, out.splitlines()[0]) == (0, "graph LR")


def test_docs_prints_or_writes(line: Line, tmp_path: Path) -> None:
    """One page, the index, or all; a page of a kind that is gone is removed, a person's own file stays."""
    assert "# stripe.price\n" in line("docs", "stripe.price")[1]
    assert "## Stripe" in line("docs")[1]
    code, _, err = line("docs", "stripe.prise")
    assert code == 64
    assert 'did you mean "stripe.price"?' in err
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "stripe.gone.md").write_text(f"{GENERATED}\n", "utf-8")
    (folder / "mine.md").write_bytes(b"\xff")
    assert line("docs", "--write", str(folder))[0] == 0
    assert (folder / "mine.md").exists()
    assert (folder / "stripe.price.md").exists()
    assert not (folder / "stripe.gone.md").exists()
    assert line("docs", "stripe.price", "--write", str(folder))[0] == 64


def test_schema_prints_or_writes(line: Line, tmp_path: Path) -> None:
    """One schema, or all three."""
    assert json.loads(line("schema")[1])["title"] == "Manifest"
    assert json.loads(line("schema", "reconciler")[1])["title"] == "reconciler.yaml"
    assert line("schema", "--write", str(tmp_path / "s"))[0] == 0
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["manifest.json", "plan.json", "reconciler.json"]
    code, _, err = line("schema", "--write", "/dev/null/x")
    assert code == 64
    assert "can't be written" in err
