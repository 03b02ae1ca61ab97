"""What users install: the wheel, its source distribution, their bill of materials, the image's recipe, the workflows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

from reconciler.cli.workflows import RELEASED
from tests.ci.schemas import misfits

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = ROOT / "action" / "requirements.txt"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def run(*words: str | Path, cwd: Path = ROOT, **environ: str) -> str:
    given = {"PATH": os.environ["PATH"], "HOME": gettempdir(), "LANG": "C.UTF-8", **environ}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=given, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


def locked() -> dict[str, str]:
    """What the lock pins, by name."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run(BIN / "hatchling", "build", "-d", folder)
    return folder


def test_an_installed_wheel_is_the_whole_tool(built: Path, tmp_path: Path) -> None:
    """From the wheel alone: its command runs, validates a project, and knows every vendor of this repository."""
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--no-index", "--target",
        tmp_path / "lib", next(built.glob("*.whl")))
    (tmp_path / "reconciler.yaml").write_text("project: shop\nvendors: {stripe: {}, vault: {}}\n")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("stripe.product: {pro: {name: Pro}}\n")
    command = (sys.executable, tmp_path / "lib" / "bin" / "reconciler")
    installed = {"PYTHONPATH": str(tmp_path / "lib")}
    assert run(*command, "validate", cwd=tmp_path, **installed) == "1 entry is fine.\n"
    where = run(sys.executable, "-P", "-c", "import reconciler.contract.registry as r; print(r.__file__, *r.names())",
                cwd=tmp_path, **installed)
    assert where.split() == [str(tmp_path / "lib/reconciler/contract/registry.py"),
                             "posthog", "resend", "sentry", "stripe", "vault"]
    assert run(*command, "completion", "bash", cwd=tmp_path, **installed).startswith("#")
    assert "0 to create" not in run(*command, "plan", "--sandbox", "--format", "html", cwd=tmp_path, **installed)


def test_the_wheel_says_what_it_is(built: Path) -> None:
    """Name, licence, Python, extras and types are declared; no test, example or schema of development goes along."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        about = message_from_string(wheel.read(next(name for name in names if name.endswith("METADATA"))).decode())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"reconciler"}
    assert "reconciler/py.typed" in names
    assert (about["Name"], about["License-Expression"], about["Requires-Python"]) == ("reconciler", "Apache-2.0", ">=3.11")
    assert set(about.get_all("Provides-Extra", [])) == set(PROJECT["project"]["optional-dependencies"])


def test_the_source_distribution_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    """What is published as source builds, without the repository, to the files that are published as a wheel."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        source.extractall(tmp_path, filter="data")
    inside = next(tmp_path.iterdir())
    run(BIN / "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", cwd=inside)
    wheels = [zipfile.ZipFile(next(folder.glob("*.whl"))) for folder in (built, tmp_path / "again")]
    first, again = ({one.filename: one.CRC for one in wheel.infolist()} for wheel in wheels)
    for wheel in wheels:
        wheel.close()
    assert first == again
    assert not (inside / "tests").exists()


def test_the_lock_covers_what_is_declared() -> None:
    """Every declared dependency, extras included, is pinned with hashes for the image and the action."""
    declared = [*PROJECT["project"]["dependencies"], *(one for extra in PROJECT["project"]["optional-dependencies"].values()
                                                       for one in extra if not one.startswith("reconciler["))]
    pins = {name.lower().replace("_", "-").replace(".", "-") for name in locked()}
    for one in declared:
        name = re.split(r"[<>=\[]", one)[0].lower().replace("_", "-").replace(".", "-")
        assert name in pins, f"{one} is not in {LOCK.name}"
    text = LOCK.read_text("utf-8")
    assert text.count("==") <= text.count("--hash=sha256:")


def test_the_bill_of_materials_names_each_part(tmp_path: Path) -> None:
    """CycloneDX over the lock: every package with its version and hashes, the same bytes every time."""
    words = (BIN / "cyclonedx-py", "requirements", "--output-reproducible", "--pyproject", "pyproject.toml", "--of", "JSON")
    made = [run(*words, more, LOCK, PYTHONWARNINGS="ignore") for more in ("--validate", "--no-validate")]
    assert made[0] == made[1]
    bill: dict[str, Any] = json.loads(made[0])
    assert {one["name"]: one["version"] for one in bill["components"]} == locked()
    assert bill["metadata"]["component"]["name"] == "reconciler"
    assert all(reference["hashes"] for one in bill["components"] for reference in one["externalReferences"])


def test_the_image_is_made_of_the_wheel_and_the_lock() -> None:
    """Nothing of the checkout gets into it, everything is installed by hash, and it does not run as root."""
    recipe = (ROOT / "Containerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(\S+) ", recipe, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert copied == ["action/requirements.txt", "dist/*.whl"]
    assert "*" in ignored and all(f"!{name}" in ignored for name in copied)
    assert "--require-hashes" in recipe and "--no-deps --no-index" in recipe
    assert re.findall(r"^USER (\S+)", recipe, re.MULTILINE) == ["reconciler"]
    assert not re.search(r"^ADD ", recipe, re.MULTILINE)


def test_the_workflows_of_this_repository_hold() -> None:
    """An auditor of workflows finds nothing, they fit their schema, and every action is pinned by its commit."""
    run(BIN / "zizmor", "--offline", "--quiet", *WORKFLOWS)
    assert [misfit for path in WORKFLOWS for misfit in misfits("github-workflows", path)] == []
    uses = [use for path in WORKFLOWS for use in re.findall(r"uses: (\S+)", path.read_text("utf-8"))]
    assert uses and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", use) for use in uses)


def test_a_release_publishes_what_was_tested() -> None:
    """One build, tested and attested; publishing needs no stored credential, only the workflow's own identity."""
    release = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    build, _, rest = release.partition("  publish:")
    assert build.index("run: .ci/run") < build.index("run: make dist") < build.index("attest-build-provenance")
    assert "secrets." not in release
    assert "id-token: write" in rest and "make dist" not in rest and rest.count("download-artifact") == 2


def test_a_release_tells_its_wheel_which_commit_it_is(tmp_path: Path) -> None:
    """Before the build, beside the texts that `init` writes: the one place where the action's home is filled in."""
    release = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    command = next(line.partition("run: ")[2] for line in release.splitlines() if "action.txt" in line)
    assert release.index("run: .ci/run") < release.index(command) < release.index("run: make dist")
    (tmp_path / "examples" / "ci").mkdir(parents=True)
    run("bash", "-c", command, cwd=tmp_path, GIT_DIR=str(ROOT / ".git"), GITHUB_REPOSITORY="acme/reconciler",
        GITHUB_REF_NAME="v1")
    made = (tmp_path / "examples" / "ci" / RELEASED).read_text("utf-8")
    assert re.fullmatch(r"acme/reconciler@[0-9a-f]{40}  # v1\n", made)
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["examples/ci"] == "reconciler/cli/ci"
