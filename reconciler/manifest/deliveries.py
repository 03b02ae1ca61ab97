"""What a secret has to do with other entries: who takes it, what must be there before, who else writes its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.manifest.entries import Catalogue, Entry
from reconciler.model import Address, Delivery, Problem, Resource, refs_in


def delivering(resources: list[Resource], catalogue: Catalogue, entries: Mapping[Address, Entry],
               problems: list[Problem]) -> list[Resource]:
    """The resources, those that deliver waiting for what they deliver into; two writers of one place are a problem."""
    if not any(one.lifecycle.deliver for one in resources):
        return resources
    problems.extend(_twice(resources, entries))
    found = []
    for one in resources:
        waits: dict[Address, None] = {}
        for output, delivery in one.lifecycle.deliver.items():
            placed = catalogue.placed(delivery, resources)
            waits.update(dict.fromkeys(address for address in placed.needs if address != one.address))
            problems.extend(entries[one.address].problem(
                f"{clash} says its own value for {_at(delivery)}", ("lifecycle", "deliver", output),
                help="take the key out of one of the two: nobody could say which value stays") for clash in placed.clashes)
        found.append(replace(one, waits=tuple(waits)) if waits else one)
    return found


def unheard(resources: Iterable[Resource], kinds: Mapping[str, Kind[Any]],
            entries: Mapping[Address, Entry]) -> Iterator[Problem]:
    """Secrets that are shown once and that nothing takes: a warning, and an error where the object is of no use then."""
    once = {name: [(output, meaning) for output, meaning in kind.outputs.items() if meaning.once]
            for name, kind in kinds.items()}
    if not any(once.values()):
        return
    resources = list(resources)
    heard = {(ref.address, ref.output) for one in resources for ref in refs_in(one.fields)}
    for one in resources:
        for output, meaning in once[one.address.kind] if one.lifecycle.manage and one.lifecycle.id is None else ():
            if output not in one.lifecycle.deliver and (one.address, output) not in heard:
                yield entries[one.address].problem(
                    f"{output} of {one.address} is shown once, when it is made, and nothing takes it", (),
                    help=f"lifecycle: {{deliver: {{{output}: {{to: …}}}}}}, or refer to it from an entry that keeps it",
                    severity="error" if meaning.awaited else "warning")


def _twice(resources: Iterable[Resource], entries: Mapping[Address, Entry]) -> Iterator[Problem]:
    first: dict[Delivery, tuple[Address, str]] = {}
    for one in resources:
        for output, delivery in one.lifecycle.deliver.items():
            before = first.setdefault(delivery, (one.address, output))
            if before != (one.address, output):
                yield entries[one.address].problem(
                    f"{before[1]} of {before[0]} is delivered to {_at(delivery)} too", ("lifecycle", "deliver", output),
                    help="the second would overwrite the first: give it a place of its own")


def _at(delivery: Delivery) -> str:
    return f"{delivery.to}: {delivery.path}#{delivery.key}" if delivery.path else f"the sink {delivery.to}"
