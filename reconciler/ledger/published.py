"""A ledger as it is published in a ref: found, read, and held against what this clone has seen of it before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from reconciler.errors import Corrupt, Failure
from reconciler.ledger import lines
from reconciler.ledger.chain import Chain, readable
from reconciler.ledger.lines import JOURNAL, LOCK, Snapshot, Torn
from reconciler.ledger.model import Record
from reconciler.ledger.repository import SEEN, Repository

BACK = 50
"""How many earlier commits are looked through for a whole one when the last is damaged."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the ledger was found, in which commit, and what it says; no commit where there is no ledger."""

    ref: str
    commit: str = ""
    snapshot: Snapshot | None = None


class Published:
    """The ref `ref`, or the first of `former` that is there where it is not there itself."""

    def __init__(self, repository: Repository, ref: str, former: Sequence[str], chain: Chain) -> None:
        self.repository, self.ref, self.former, self.chain = repository, ref, former, chain

    def look(self, known: Found) -> Found:
        """What is there now, or `known` itself where that is still it; Corrupt when it is damaged, gone or put back."""
        for _ in range(5):
            there = self.repository.where((self.ref, *self.former))
            ref = next((one for one in (self.ref, *self.former) if one in there), self.ref)
            commit = there.get(ref, "")
            if not commit:
                self._never_was()
                return known if not known.commit else Found(self.ref)
            if (ref, commit) == (known.ref, known.commit):
                return known
            far = self.repository.remote
            if far and not self.repository.has(commit):
                self.repository.fetch(ref)
            if not far or self.repository.has(commit):  # else it has moved on between the two questions
                snapshot = self.read(commit)
                self._same_history(commit, snapshot)
                self.note(commit)
                return Found(ref, commit, snapshot)
        raise Failure(f"{self.chain.where} moves faster than it can be read", "try again")

    def read(self, commit: str) -> Snapshot:
        """What a commit says; Corrupt names the last one that is whole."""
        try:
            return self._read(commit)
        except Torn as error:
            good, serial = self._last_good(commit)
            mend = f"`{self._put(good)}` brings the last good one back" if good else self.chain.mend
            raise Corrupt(f"{self.chain.where} is damaged: {error}; the last good serial is {serial}", mend) from error

    def journal(self, commit: str) -> tuple[list[Record], Chain]:
        """Every record up to a commit, and the chain that they make."""
        chain, records = self.chain.fresh(), []
        for one, text in self.repository.every(commit, JOURNAL) if commit else ():
            try:
                rows = list(lines.rows_of(text))
            except Torn as error:
                raise chain.corrupt(f"{error}, in commit {one[:12]}") from error
            records += [chain.take(chain.serial + 1, body, sum) for body, sum in rows]
        return records, chain

    def verify(self) -> str:
        """What is wrong with it, in a sentence, or nothing: every record of its history, and the state that they make."""
        try:
            found = self.look(Found(self.ref, "?"))
            if found.snapshot is None:
                return ""
            _, chain = self.journal(found.commit)
            chain.check_owner()
        except Failure as error:
            return error.message
        told = found.snapshot
        if (chain.tail, chain.ledger()) != (told.tail, told.ledger):
            return f"{chain.where} is damaged: its state is not what its journal makes; the last good serial is {chain.serial}"
        return ""

    def note(self, commit: str) -> None:
        """Remember how far it was seen."""
        self.repository.note(self.ref, commit)

    def _read(self, commit: str) -> Snapshot:
        files = self.repository.files(commit)
        readable(lines.format_of(files), self.chain.where)
        return lines.read(files)

    def _last_good(self, commit: str) -> tuple[str, int]:
        for one in self.repository.before(commit, BACK):
            with suppress(Torn, Failure):
                return one, self._read(one).ledger.serial
        return "", 0

    # against what was seen before

    def _never_was(self) -> None:
        for ref in (self.ref, *self.former):
            seen = self.repository.seen(ref)
            if seen:
                raise self._other(ref, "it is gone", self._serial(seen))

    def _same_history(self, commit: str, now: Snapshot) -> None:
        """Corrupt when this is not how it can have gone on."""
        seen = self.repository.seen(self.ref)
        if not seen or seen == commit:
            return
        try:
            head = lines.head_of({lines.HEAD: self.repository.file(seen, lines.HEAD)})
        except (Torn, Failure):
            return  # what was seen can't be read any more, so nothing can be said
        if head["lineage"] != now.ledger.lineage:
            raise self._other(self.ref, "another one stands in its place", head["serial"])
        if head["serial"] > now.ledger.serial:
            raise self._other(self.ref, f"it was put back to serial {now.ledger.serial}", head["serial"])
        settled = f"{seen}^" if self.repository.has(f"{seen}:{LOCK}") else seen  # a run under way replaces its commit
        if self.repository.has(settled) and not self.repository.follows(commit, settled):
            raise self._other(self.ref, "its history was rewritten", head["serial"])

    def _serial(self, seen: str) -> int:
        with suppress(Torn, Failure):
            return int(lines.head_of({lines.HEAD: self.repository.file(seen, lines.HEAD)})["serial"])
        return 0

    def _other(self, ref: str, what: str, serial: int) -> Corrupt:
        note = SEEN + ref.partition("/")[2].partition("/")[2]
        return Corrupt(f"{self.chain.where} is not the one that this clone knows: {what}; the last good serial is {serial}",
                       f"`{self._put(note)}` brings back what this clone knows;\n"
                       f"`git update-ref -d {note}` goes on with what is there")

    def _put(self, commit: str) -> str:
        remote = self.repository.remote
        return f"git push --force {remote} {commit}:{self.ref}" if remote else f"git update-ref {self.ref} {commit}"
