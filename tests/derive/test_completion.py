"""Help and completion that are ready before anything is imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconciler.cli import SHELLS, TEXTS
from reconciler.cli.program import COMMANDS, program
from tests.derive.conftest import Shop

LOADED = """
import sys
from reconciler.cli import main
sys.argv[0] = "reconciler"
main()
print(*sorted({"click", "pydantic", "httpx"} & set(sys.modules)), file=sys.stderr)
"""
BASH = """
source "$1"
shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
compopt() { :; }
_reconciler
printf '%s\\n' "${COMPREPLY[@]}"
"""


ZSH = """
compdef() { :; }
compset() { [[ $1 == -P ]] && PREFIX=${PREFIX##${~2}}; }
compadd() { shift; offered+=("$@"); }
_files() { offered+=(files); }
source "$1"
shift
words=("$@"); CURRENT=$#; PREFIX=${words[CURRENT]}; offered=()
_reconciler
for word in $offered; do [[ $word == $PREFIX* ]] && print -r -- $word; done
true
"""


def bash(folder: Path, *words: str) -> list[str]:
    """What Tab offers in a real bash behind these words."""
    script = str(TEXTS / "completion.bash")
    done = subprocess.run(["bash", "-uc", BASH, "bash", script, "reconciler", *words], cwd=folder, text=True,
                          capture_output=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("words", [[], ["--help"], ["version"], *(["completion", shell] for shell in SHELLS)], ids=" ".join)
def test_these_import_neither_click_nor_pydantic(words: list[str]) -> None:
    """Help, version and completion are there at once."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == []
    assert done.stdout


def test_help_names_every_command() -> None:
    """One line each, and what the exit codes mean."""
    text = (TEXTS / "help.txt").read_text("utf-8")
    assert all(f"\n  {name}" in text for name in COMMANDS)
    assert "64 usage" in text


def test_bash_offers_every_command_and_every_flag(shop: Shop) -> None:
    """Nothing that a command takes is missing."""
    assert bash(shop.folder, "") == list(COMMANDS)
    context = click.Context(program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        flags = {flag for param in command.params if isinstance(param, click.Option) for flag in param.opts}
        assert flags <= set(bash(shop.folder, name, "-")), name


@pytest.mark.parametrize(("words", "offered"), [
    (("pl",), ["plan"]), (("plan", "--target", "stripe.price/m"), ["stripe.price/monthly"]),
    (("plan", "--form"), ["--format"]), (("doctor", "--format", ""), ["text", "json"]),
    (("doctor", "--format", "=", "j"), ["json"]), (("show", "reconciler.y"), ["reconciler.yaml"]),
    (("ledger", "f"), ["forget"]), (("ledger", "forget", "stripe.p"), ["stripe.price/monthly", "stripe.product/pro"]),
    (("init", "--vendor", "st"), ["stripe"]), (("explain", "stripe.product/"), ["stripe.product/pro"]),
    (("ledger", "show", "stripe.product/"), ["stripe.product/pro"]), (("doctor", "--vendor", "v"), ["vault"]),
    (("import", "stripe.product/"), ["stripe.product/pro"]), (("completion", "b"), ["bash"]),
    (("schema", ""), ["manifest", "plan", "reconciler"]), (("plan", "--vendor", ""), ["stripe", "vault"]),
    (("plan", "--stack", "p"), ["production"]), (("apply", "--allow", "mon"), ["money"]),
    (("apply", "--allow", "money", ":", "stripe.product/"), ["stripe.product/pro"]),
    (("plan", "--changed-since", ""), []), (("nothing", ""), []),
])
def test_bash_completes_what_fits(shop: Shop, words: tuple[str, ...], offered: list[str]) -> None:
    """Choices, addresses of the manifests, stacks and connections of reconciler.yaml, files."""
    (shop.folder / "reconciler.yaml").write_text(
        "project: shop\nvendors:\n  # both\n  stripe: {mode: test}\n  vault:\n    address: x\n"
        "stacks:\n  staging: {}\n  production: {}\n", "utf-8")
    assert bash(shop.folder, *words) == offered


def test_bash_reads_the_project_that_the_flag_names(shop: Shop) -> None:
    """`-C DIR` leads to another folder's manifests."""
    assert bash(Path("/"), "plan", "-C", str(shop.folder), "--target", "stripe.product/") == ["stripe.product/pro"]


@pytest.mark.parametrize(("words", "offered"), [
    (("pl",), ["plan"]), (("plan", "--target", "stripe.price/m"), ["stripe.price/monthly"]),
    (("plan", "--target=stripe.price/m",), ["stripe.price/monthly"]), (("ledger", "f"), ["forget"]),
    (("ledger", "forget", "stripe.product/"), ["stripe.product/pro"]), (("explain", "stripe.product/"), ["stripe.product/pro"]),
    (("apply", "--allow", "money:stripe.product/"), ["stripe.product/pro"]), (("init", "--vendor", "st"), ["stripe"]),
    (("nothing", ""), []),
])
def test_zsh_completes_what_fits(shop: Shop, words: tuple[str, ...], offered: list[str]) -> None:
    """The same in zsh, its completion system stood in for."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    done = subprocess.run(["zsh", "-fc", ZSH, "zsh", str(TEXTS / "completion.zsh"), "reconciler", *words], cwd=shop.folder,
                          text=True, capture_output=True, check=False)
    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_one(shell: str) -> None:
    """The shell itself has nothing to say against its script."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", str(TEXTS / f"completion.{shell}")], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_completes_what_fits(shop: Shop) -> None:
    """Commands, verbs, addresses and choices, each only where it belongs."""
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    for line, offered in {"reconciler pl": ["plan"], "reconciler plan --target stripe.price/": ["stripe.price/monthly"],
                          "reconciler ledger fo": ["forget"], "reconciler plan --format t": ["text"]}.items():
        script = f"source {TEXTS}/completion.fish; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", script], cwd=shop.folder, text=True, capture_output=True,
                              check=False)
        assert [row.partition("\t")[0] for row in done.stdout.splitlines()] == offered
