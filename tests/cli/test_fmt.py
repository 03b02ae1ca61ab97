"""`fmt`: every YAML file of a project in one layout, or none where one is broken."""

from __future__ import annotations

import stat

from tests.cli.project import PRO, Project

UGLY = "stripe.product:\r\n    pro:   {id:  pro,name: Pro}   # ours  \r\n"
TIDY = "stripe.product:\n  pro: {id: pro, name: Pro}   # ours\n"


def ugly(box: Project) -> Project:
    box.write({"overlays/default/shop.yaml": "stripe.product: {pro: {  name: P }}\n",
               "manifests/a/b.test.yaml": "flags:\n- {a:  1}\n"})
    (box.dir / "manifests" / "shop.yaml").write_bytes(UGLY.encode())
    return box


def read(box: Project, name: str) -> bytes:
    return (box.dir / name).read_bytes()


def test_check_names_what_would_be_written(box: Project) -> None:
    """Manifests, tests, overlays and reconciler.yaml; exit 2, and nothing is written."""
    done = ugly(box).run("fmt", "--check")
    assert done.code == 2
    assert done.out.split() == ["manifests/a/b.test.yaml", "manifests/shop.yaml", "overlays/default/shop.yaml"]
    assert read(box, "manifests/shop.yaml") == UGLY.encode()


def test_files_are_written_in_place(box: Project) -> None:
    """Then `--check` has nothing to say; permissions stay, and links are written where they lead."""
    path = ugly(box).dir / "manifests" / "shop.yaml"
    path.chmod(0o640)
    real = box.dir / "real.yaml"
    real.write_text("a:   1\n")
    (box.dir / "manifests" / "link.yaml").symlink_to(real)
    assert len(box.ok("fmt").out.split()) == 4
    assert path.read_text("utf-8") == TIDY
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (box.dir / "manifests" / "link.yaml").is_symlink()
    assert real.read_text("utf-8") == "a: 1\n"
    assert box.ok("fmt", "--check").out == ""
    assert box.ok("fmt").out == ""


def test_paths_choose(box: Project) -> None:
    """Files and folders; no project is needed around them."""
    ugly(box)
    (box.dir / "reconciler.yaml").unlink()
    assert box.ok("fmt", "manifests/a").out == "manifests/a/b.test.yaml\n"
    assert box.run("fmt", "--check", "manifests/shop.yaml", "manifests/a").out == "manifests/shop.yaml\n"
    assert box.run("fmt", "missing.yaml").code == 64
    (box.dir / "x.txt").write_text("x")
    assert "is no YAML file" in box.run("fmt", "x.txt").err


def test_a_broken_file_keeps_all_from_being_written(box: Project) -> None:
    """Every mistake of every file is told with its place, and exit code 3."""
    ugly(box).write({"manifests/b.yaml": "a: [1\n", "manifests/c.yaml": "a: &x 1\n", "manifests/empty.yaml": ""})
    done = box.run("fmt")
    assert done.code == 3
    for place in ("manifests/b.yaml:2:1", "manifests/c.yaml:1:4", "manifests/empty.yaml:1:1"):
        assert place in done.err
    assert "a: &x 1" in done.err
    assert read(box, "manifests/shop.yaml") == UGLY.encode()
    assert box.run("fmt", "--check").code == 3


def test_what_is_planned_stays_the_same(box: Project) -> None:
    """The same entries before and after."""
    box.manifest(PRO.replace("  ", "     ").replace("{id: pro, name: Pro}", "\n        id: pro\n\n\n        name:   'Pro'"))
    before = box.ops("--sandbox")
    box.ok("fmt")
    assert box.ops("--sandbox") == before == {"product/pro": "create", "price/monthly": "create"}
