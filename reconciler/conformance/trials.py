"""Which trials a case asks for: each is one promise, checked on an empty place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.conformance import fields, lives, reads
from reconciler.conformance.case import Case, Change, Example, changes
from reconciler.conformance.fields import UNREADABLE
from reconciler.conformance.place import Place
from reconciler.conformance.stack import Failed, Stack
from reconciler.contract.spec import Mark
from reconciler.contract.vendor import load
from reconciler.model import Op

Check = Callable[[Stack], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One promise about one example of one kind; `run` raises Failed, with a sentence, where it is not kept."""

    case: Case
    name: str
    example: str
    check: Check
    says: str
    change: Change | None = None

    def __str__(self) -> str:
        return f"{self.case}-{self.example}-{self.name}"

    def run(self, place: Place) -> None:
        """Try it on a place where nothing is yet."""
        try:
            self.check(Stack(self.case, self.case.said.examples[self.example], place))
        finally:
            place.close()


def trials(cases: Iterable[Case]) -> tuple[Trial, ...]:
    """Every trial of these cases, in the order of the files."""
    return tuple(trial for case in cases for trial in _trials(case))


def together(every: Iterable[Trial]) -> tuple[Trial, ...]:
    """The trials of one example's patches as one, on one stack: for a server where each fresh place costs time."""
    alone = [trial for trial in every if trial.change is None]
    patches: dict[tuple[str, str], list[Trial]] = {}
    for trial in every:
        if trial.change is not None:
            patches.setdefault((str(trial.case), trial.example), []).append(trial)
    return (*alone, *(_joined(found) for found in patches.values()))


def _joined(found: list[Trial]) -> Trial:
    def patches(stack: Stack) -> None:
        for one in found:
            try:
                one.check(stack)
            except Failed as error:
                raise Failed(f"{one.name}: {error}") from error

    return Trial(found[0].case, "patches", found[0].example, patches, found[0].says)


def _trials(case: Case) -> Iterator[Trial]:
    for n, (name, example) in enumerate(case.said.examples.items()):
        for check in _of_each(case, example):
            yield Trial(case, check.__name__, name, check, check.__doc__ or "")
        for change in changes(example):
            yield from _of_change(case, name, change)
        if n == 0:
            for check in _of_first(case, example):
                yield Trial(case, check.__name__, name, check, check.__doc__ or "")


def _of_each(case: Case, example: Example) -> Iterator[Check]:
    yield fields.created
    if "vendor_made" not in case.traits and "singleton" not in case.traits:
        yield fields.left_out
    if any(Mark.MERGED in shape.marks and example.fields.get(name) for name, shape in case.kind(None).shape.children.items()):
        yield fields.merged
    yield lives.removed


def _of_change(case: Case, name: str, change: Change) -> Iterator[Trial]:
    def changed(stack: Stack) -> None:
        fields.changed(stack, change)

    def edited_by_hand(stack: Stack) -> None:
        fields.edited_by_hand(stack, change)

    yield Trial(case, str(change), name, changed, fields.changed.__doc__ or "", change)
    shape = case.kind(None).shape
    unreadable = any(shape.child(path.partition(".")[0]).marks & UNREADABLE for path in change.paths)
    if change.op is Op.UPDATE and not unreadable:
        yield Trial(case, f"by-hand-{change}", name, edited_by_hand, fields.edited_by_hand.__doc__ or "", change)


def _of_first(case: Case, example: Example) -> Iterator[Check]:
    lasting = not {"singleton", "vendor_made"} & case.traits
    yield lives.twin if "keyless" in case.traits and lasting else lives.adopted
    if lasting and "unmarked" not in case.traits:
        yield lives.foreign
        yield lives.taken_over
    if lasting:
        yield lives.imported
        yield lives.removed_by_hand
        yield lives.lost_answer
        if load(case.vendor.api).key_header is not None:
            yield lives.same_key
        if any(Mark.NAMED in shape.marks for shape in case.kind(None).shape.children.values()):
            yield fields.named
    yield lives.kept
    yield lives.lost_ledger
    yield lives.ignored
    yield reads.cost
    yield reads.denied
    if case.said.page is not None:
        yield reads.paged
