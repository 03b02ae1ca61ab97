"""What an entry means without saying it, and which kinds can turn their secrets."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from reconciler import manifest
from reconciler.contract import Output, Placed, Replace
from reconciler.contract.kind import Kind
from reconciler.errors import Invalid
from reconciler.model import Delivery, Fields, Resource
from tests.cloud import Cloud, Page, Room, kinds


class Published(Page):
    def implied(self, fields: Fields) -> Fields:
        return {"published": True, **fields}


class Catalogue:
    """The invented vendor's kinds, some of them replaced."""

    vendors: ClassVar[list[str]] = ["cloud"]
    absent: ClassVar[list[str]] = []

    def __init__(self, **other: Kind[Any]) -> None:
        self.kinds = {**kinds(Cloud()), **{f"cloud.{noun}": kind for noun, kind in other.items()}}

    def kind(self, bound: str) -> Kind[Any] | None:
        return self.kinds.get(bound)

    def names(self) -> Iterable[str]:
        return self.kinds

    def takes(self, sink: str) -> bool | None:
        return True

    def placed(self, delivery: Delivery, resources: Collection[Resource]) -> Placed:
        return Placed()


def loaded(folder: Path, declared: dict[str, Any], **other: Kind[Any]) -> tuple[Resource, ...]:
    (folder / "manifests").mkdir(exist_ok=True)
    (folder / "manifests" / "a.yaml").write_text(json.dumps(declared), "utf-8")
    return manifest.load(folder, "test", ("test",), Catalogue(**other), variables={}, secrets=(), variable=str).resources


def test_an_entry_may_mean_what_it_does_not_say(tmp_path: Path) -> None:
    """The kind adds it after the check; what the entry says itself stays."""
    found = loaded(tmp_path, {"cloud.page": {"a": {"html": "x"}, "b": {"html": "x", "published": False}}},
                   page=Published(None))
    assert [one.fields["published"] for one in found] == [True, False]


def complaints(folder: Path, noun: str, **fields: Any) -> str:
    """What is said of an entry whose word to rotate is new."""
    try:
        loaded(folder, {f"cloud.{noun}": {"a": {**fields, "lifecycle": {"rotate": "2026-11"}}}})
    except Invalid as error:
        return " ".join(problem.message for problem in error.problems)
    return ""


def test_a_secret_is_turned_where_the_object_can_be_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is shown once, always; one that can be read, where the new object may stand beside the old one."""
    assert complaints(tmp_path, "room") == "cloud.room has no secret that could be rotated"
    assert not complaints(tmp_path, "key", project="p1")
    monkeypatch.setattr(Room, "outputs", {"id": Output(), "code": Output(secret=True)})
    assert complaints(tmp_path, "room") == "cloud.room has no secret that could be rotated"
    monkeypatch.setattr(Room, "replace", Replace.CREATE_FIRST)
    assert not complaints(tmp_path, "room")


def test_ids_tell_entries_of_one_natural_key_apart(tmp_path: Path) -> None:
    """Where a vendor lets two objects have one name; of two that are not both bound, nobody could say which is which."""
    bound = {name: {"label": "web", "project": "p1", "lifecycle": {"id": name}} for name in ("k1", "k2")}
    assert [one.lifecycle.id for one in loaded(tmp_path, {"cloud.key": bound})] == ["k1", "k2"]
    with pytest.raises(Invalid):
        loaded(tmp_path, {"cloud.key": {**bound, "k3": {"label": "web", "project": "p1"}}})
    with pytest.raises(Invalid):
        loaded(tmp_path, {"cloud.key": {**bound, "k3": {**bound["k2"]}}})
