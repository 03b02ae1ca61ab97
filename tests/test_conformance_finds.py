"""The suite is worth something: a kind that breaks one promise is found, by the trial of that promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.conformance import Failed, gaps, in_sandbox, read, trials
from reconciler.conformance.case import traits_of
from reconciler.contract import Ask
from reconciler.errors import Invalid
from reconciler.model import Call, Fate, Fields, Live, Owner, Unseen, Want
from reconciler.vendors.stripe import VENDOR
from reconciler.vendors.stripe.product import Product

CASE = Path(__file__).parent / "cases" / "stripe" / "product.yaml"


class Forgets(Product):
    """Reads no description."""

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        return {name: value for name, value in super().from_wire(body).items() if name != "description"}


class Keeps(Product):
    """Sends no null."""

    def update(self, live: Live, want: Want[Any], changes: Any) -> Iterable[Call]:
        return [call for call in super().update(live, want, changes) if None not in call.body.values()]


class Meddles(Product):
    """Writes the unit label with everything else."""

    def update(self, live: Live, want: Want[Any], changes: Any) -> Iterable[Call]:
        return [replace(call, body={**call.body, "unit_label": "thing"}) for call in super().update(live, want, changes)]


class Clings(Product):
    """Never takes its mark off."""

    def release(self, live: Live) -> Iterable[Call]:
        return ()


class Prophet(Product):
    """Foretells another id."""

    def foretell(self, want: Want[Any]) -> Mapping[str, str]:
        return {"id": f"{want.get('id')}x"}


class Asks(Product):
    """Reads everything once more."""

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        found = tuple(super().list(ask))
        self.api.ask("GET", self.path, params={"limit": 1})
        return found


class ShortSighted(Product):
    """Sees one page."""

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        return [self.live(body) for body in self.api.get(self.path, {"limit": 100})["data"]]


class Blind(Product):
    """Takes a refusal for an empty list."""

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        try:
            yield from super().list(ask)
        except Exception:  # noqa: BLE001 - this is what is wrong with it
            return


class Boasts(Product):
    """Says that it deletes, and archives."""

    def fate(self, live: Live) -> Fate:
        return Fate("archive")

    def delete(self, live: Live) -> Iterable[Call]:
        return [Call("POST", self.item(live.id), {"url": "https://gone.example"})]


class Grabs(Product):
    """Sees no mark."""

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        return None


@pytest.mark.parametrize(("kind", "example", "trial"), [
    (Forgets, "service", "update-description"), (Keeps, "service", "clear-url"), (Meddles, "service", "update-name"),
    (Clings, "service", "kept"), (Prophet, "service", "created"), (Asks, "service", "cost"),
    (ShortSighted, "service", "paged"), (Blind, "service", "denied"), (Boasts, "priced", "removed"),
    (Grabs, "service", "foreign"),
], ids=lambda value: getattr(value, "__name__", value))
def test_a_broken_promise_is_found(kind: type[Product], example: str, trial: str) -> None:
    """The kind as it is passes this trial, the broken one does not."""
    for vendor, fails in ((VENDOR, False), (replace(VENDOR, kinds=(kind, *VENDOR.kinds[1:])), True)):
        assert VENDOR.kinds[0] is Product
        case = read(CASE, vendor)
        one = next(t for t in trials([case]) if (t.example, t.name) == (example, trial))
        if fails:
            with pytest.raises(Failed):
                one.run(in_sandbox(vendor))
        else:
            one.run(in_sandbox(vendor))


def written(folder: Path, text: str) -> Path:
    """A case file."""
    (folder / "case.yaml").write_text(text, "utf-8")
    return folder / "case.yaml"


def test_a_field_without_a_case_is_named(tmp_path: Path) -> None:
    """So are reasons for what is no field, and reasons that a case makes needless."""
    found = gaps(read(written(tmp_path, """
kind: stripe.product
requests: 1
unclearable: {colour: it has none, description: it has to be said}
examples:
  bare: {fields: {id: a, name: A, description: B}, update: [{name: B}, {description: C}], clear: [description]}
""")))
    assert "url: set, changed, cleared" in found and "unclearable: colour is no field" in found
    assert "unclearable: description has a case: update" in found
    assert not [line for line in found if line.startswith(("name:", "description:"))]


@pytest.mark.parametrize(("text", "at", "said"), [
    ("kind: stripe.produkt\nrequests: 1\nexamples: {a: {fields: {}}}\n", 1, "there is no kind stripe.produkt"),
    ("kind: stripe.product\nrequests: 1\nexamples: {a: {fields: {}, updates: []}}\n", 3, "updates"),
    ("kind: stripe.product\nexamples: {a: {fields: {}}}\n", 1, "requests"),
    ("kind: stripe.product\ntraits: [keyless]\nrequests: 1\nexamples: {a: {fields: {}}}\n", 2, "keyless"),
])
def test_a_mistake_in_a_case_file_is_told_with_its_place(tmp_path: Path, text: str, at: int, said: str) -> None:
    """As it is in a manifest."""
    with pytest.raises(Invalid) as caught:
        read(written(tmp_path, text))
    [problem] = caught.value.problems
    assert said in problem.message and problem.at is not None and problem.at.line == at


def test_what_a_kind_can_not_do_is_seen_from_its_class() -> None:
    """A case file can't claim otherwise."""
    found = {kind.name: set(traits_of(kind)) for kind in VENDOR.kinds}
    assert found["stripe.product"] == set()
    assert (found["stripe.tax_rate"], found["stripe.meter"]) == ({"keyless"}, {"unmarked"})
