"""T03: manifests read no environment, and no file outside of their folder, however its path is written."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from reconciler import yaml as reader
from reconciler.errors import Invalid
from reconciler.model import Problem
from reconciler.workspace import Options, Workspace
from tests.cli.project import Project
from tests.faults.tally import Row

CONFIG = "project: shop\nvendors: {vault: {address: http://vault.test, auth: {method: token, token: {env: VAULT_TOKEN}}}}\n"
SECRET = "what-nobody-may-read"
UPS = ("..", "./..", "sub/../..", ".//..", "sub/./../..", "../manifests/..")
SEPARATORS = ("/", "//", "/./", "\\")
PLACES = ("secret.txt", "reconciler.yaml", "etc/passwd", ".env", "overlays/x.hcl", ".reconciler/default/ledger.db")
DRESS = ("{}", " {}", "{} ", "\t{}", "{}\x00", "{}\x00.hcl", "file://{}", "file:{}", "{}/", "~/{}", "$HOME/{}", "${{HOME}}/{}",
         "%HOME%/{}", "{}#x", "{}?x", "\ufeff{}", "C:{}", "\\\\?\\{}")


def payloads(rng: random.Random, secret: Path) -> Iterator[str]:
    """Paths that lead out of the manifests folder, or would if somebody read them another way."""
    yield from (str(secret), f"//{secret}", "/proc/self/environ", "/dev/stdin", "/dev/fd/0", "link", "linked/secret.txt",
                "linked/../../secret.txt", "hard/../link", "pipe", ".", "..", "", "sub", "/", "~", "chain", "loop")
    while True:
        ups = rng.choice(SEPARATORS).join(rng.choices(UPS, k=rng.randint(1, 5)))
        path = rng.choice([ups, str(secret.parent), "linked", "sub"]) + rng.choice(SEPARATORS) + rng.choice(PLACES)
        if rng.random() < 0.3:
            path = "".join(f"%{ord(char):02x}" if char in "./" and rng.random() < 0.5 else char for char in path)
        if rng.random() < 0.2:
            path = path.replace("..", rng.choice(["\uff0e\uff0e", "\u2024\u2024", "..\u200b", ".\u0000."]))
        yield rng.choice(DRESS).format(path)


def furnished(dir: Path) -> Project:
    """A project with a file that is none of the manifests' business, and links to it."""
    project = Project(dir).write({"reconciler.yaml": CONFIG, "secret.txt": SECRET, ".env": SECRET, "etc/passwd": SECRET,
                                  "overlays/x.hcl": SECRET, "manifests/sub/x.hcl": 'path "x" {}'})
    manifests = dir / "manifests"
    (manifests / "link").symlink_to(dir / "secret.txt")
    (manifests / "linked").symlink_to(dir)
    (manifests / "chain").symlink_to("link")
    (manifests / "loop").symlink_to("loop")
    (manifests / "sub" / "secret.txt").symlink_to(dir / "secret.txt")
    os.mkfifo(manifests / "pipe")
    return project


def test_t03_no_path_leads_out_of_the_manifests(row: Row, tmp_path: Path) -> None:
    """200 payloads as `{file: …}`: each is a finding at its place, and nothing of any file is told."""
    project = furnished(tmp_path)
    for one, (n, path) in zip(row.trials(200, 2_000), enumerate(payloads(random.Random("paths"), tmp_path / "secret.txt")),
                              strict=False):
        text = f"vault.policy:\n  p{n}: {{rules: {{file: {quoted(path)}}}}}\n"
        project.manifest(text)
        problems = found(tmp_path)
        assert problems, f"{one}: {path!r} was read"
        assert all(problem.message and problem.at is not None for problem in problems), (one, path)
        assert SECRET not in str(problems), (one, path)


def found(dir: Path) -> tuple[Problem, ...]:
    """What is wrong with a project's manifests."""
    with Workspace(Options(dir=dir), environ={"VAULT_TOKEN": SECRET}) as workspace:
        try:
            workspace.validate()
        except Invalid as error:
            return error.problems
    return ()


def test_t03_no_manifest_is_a_link_out_of_its_folder(tmp_path: Path) -> None:
    """A manifest that leads elsewhere, goes round, or is a pipe is a finding; nothing of what it leads to is shown."""
    project = furnished(tmp_path).manifest("vault.mount:\n  kv: {type: kv-v2}\n")
    assert not found(tmp_path)
    (tmp_path / "manifests" / "a.yaml").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "manifests" / "b.yaml").symlink_to("b.yaml")
    os.mkfifo(tmp_path / "manifests" / "c.yaml")
    problems = found(tmp_path)
    assert len(problems) == 3, problems
    assert SECRET not in str(problems)
    assert SECRET not in project.run("validate").said


def quoted(text: str) -> str:
    """A YAML scalar in double quotes."""
    return '"' + "".join(char if char.isascii() and char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"
                         for char in text) + '"'


def test_a_payload_is_what_it_is_meant_to_be() -> None:
    """Quoting changes nothing of a path."""
    for path in ("a\\b\t\uff0e", '"'):
        assert reader.parse(f"a: {quoted(path)}".encode(), "x").value == {"a": path}
