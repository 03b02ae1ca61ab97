"""A ref of the project's own repository, through the `git` program: neither work tree nor index nor HEAD is touched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.clock import Clock
from reconciler.errors import Failure
from reconciler.suggest import did_you_mean

SEEN = "refs/reconciler-seen/"
"""Where this clone notes how far it has seen a ledger, so that one that is gone or was put back is not taken for new."""

TRIES, WAIT = 4, 1.0
PATIENCE = 60.0
"""Seconds that one trip to the remote may take."""

_QUIET = ("core.hooksPath=/dev/null", "gc.auto=0", "maintenance.auto=false", "push.followTags=false",
          "push.recurseSubmodules=no", "push.gpgSign=false", "color.ui=false")
_HOPELESS = re.compile(r"denied|not found|does not exist|not appear to be|authentication|prohibited|\b40[134]\b"
                       r"|could not read (?:user|pass)", re.IGNORECASE)
_ELSEWHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"})
"""What a hook of git sets for the repository that it runs in, whichever the project's is."""
_LATER = re.compile(r"lock|failed to update ref|unpacker error", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """How one call of git ended."""

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return self.code == 0

    @property
    def last(self) -> str:
        """What it complained of, in a line and without credentials."""
        lines = [line for line in self.err.splitlines() if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
        text = (lines or self.err.strip().splitlines() or ["it said nothing"])[0]
        return re.sub(r"//[^/@\s]+@", "//", text.partition(": ")[2] or text)

    @property
    def passing(self) -> bool:
        """Whether the same may succeed in a moment: the network, or another writer's lock at the remote."""
        if self.code == 1:
            return _LATER.search(self.out.decode("utf-8", "replace")) is not None
        return _HOPELESS.search(self.err) is None

    @property
    def refusal(self) -> str:
        """Why a push was refused: the remote's reason for the ref, or what the transport complained of."""
        hit = re.search(r"\[remote rejected\] \((.*)\)", self.out.decode("utf-8", "replace"))
        if hit is None:
            return self.last
        return f"{hit[1]}: {self.last}" if "remote:" in self.err else hit[1]


class Repository:
    """Reads and moves refs at `remote` (a name or an address; `origin` where there is one), or here where there is none."""

    def __init__(self, root: Path, remote: str | None, clock: Clock) -> None:
        self.root, self.clock, self.remote = root, clock, ""
        self._blobs: dict[str, bytes] = {}
        said = self.git("remote")
        if not said.ok:
            raise Failure(f"the ledger has store: git, and git says: {said.last}", "git init, or choose another store")
        names = said.out.decode().split()
        if remote is not None and remote not in names and not re.search(r"[:/]", remote):
            raise Failure(f"the ledger's remote {remote} is no remote of this repository",
                          did_you_mean(remote, names) or "git remote add, or the address itself, in reconciler.yaml")
        self.remote = remote or ("origin" if "origin" in names else "")

    @property
    def place(self) -> str:
        """How messages call it."""
        return "at " + re.sub(r"//[^/@\s]+@", "//", self.remote) if self.remote else "in this repository"

    # reading

    def where(self, refs: Sequence[str]) -> dict[str, str]:
        """The commits of those refs that are there now."""
        if not self.remote:
            out = self._must("for-each-ref", "--format=%(objectname)\t%(refname)", *refs)
        else:
            out = self._reached("ls-remote", "--quiet", self.remote, *refs)
        found = (line.partition("\t") for line in out.decode("utf-8", "replace").splitlines())
        return {ref: commit for commit, _, ref in found if ref in refs}

    def fetch(self, ref: str) -> None:
        """Bring a ref's commits here; no ref of this repository is moved by it."""
        self._reached("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-filter",
                      "--no-prune", self.remote, f"+{ref}")

    def has(self, name: str) -> bool:
        """Whether an object is here."""
        return self.git("cat-file", "-e", name).ok

    def files(self, commit: str) -> dict[str, bytes]:
        """The files of a commit; Failure where git can't read one of them."""
        tree = self._must("ls-tree", "-z", commit).decode("utf-8", "backslashreplace").split("\0")
        blobs = {name: meta.split()[2] for meta, _, name in (line.partition("\t") for line in tree if line)}
        found = self._contents(sorted(set(blobs.values()) - self._blobs.keys()))
        self._blobs = {sha: found[sha] if sha in found else self._blobs[sha] for sha in blobs.values()}
        return {name: self._blobs[sha] for name, sha in blobs.items()}

    def file(self, commit: str, name: str) -> bytes:
        """One file of a commit."""
        return self._contents([f"{commit}:{name}"])[f"{commit}:{name}"]

    def every(self, commit: str, name: str) -> Iterable[tuple[str, bytes]]:
        """One file of every commit from the first to this one, with the commit."""
        commits = self._must("rev-list", "--first-parent", "--reverse", commit).decode().split()
        found = self._contents([f"{one}:{name}" for one in commits])
        return [(one, found[f"{one}:{name}"]) for one in commits]

    def before(self, commit: str, most: int) -> list[str]:
        """The commits before one, the latest first."""
        return self._must("rev-list", "--first-parent", "--skip=1", f"--max-count={most}", commit).decode().split()

    def follows(self, commit: str, other: str) -> bool:
        """Whether a commit has another among those before it, or is that one."""
        return self.git("merge-base", "--is-ancestor", other, commit).ok

    def seen(self, ref: str) -> str:
        """How far this clone has seen a ref; empty where it never has."""
        return self.git("rev-parse", "--verify", "--quiet", _note(ref) + "^{commit}").out.decode().strip()

    def note(self, ref: str, commit: str) -> None:
        """Remember how far a ref was seen; a clone that may not be written to remembers nothing, which is no failure."""
        self.git("update-ref", _note(ref), commit)

    # writing

    def commit(self, files: Mapping[str, bytes], parent: str, message: str, who: str) -> str:
        """A commit of these files; nothing leads to it yet."""
        shas = self._hashes(files)
        listed = "".join(f"100644 blob {sha}\t{name}\n" for name, sha in sorted(shas.items()))
        tree = self._must("mktree", given=listed.encode())
        name = re.sub(r"[^\w.@+ -]", "", who).strip(" .") or "reconciler"
        at = f"@{int(self.clock.now())} +0000"
        env = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", name), ("EMAIL", "reconciler@localhost"), ("DATE", at))}
        parents = ["-p", parent] if parent else []
        return self._must("commit-tree", tree.decode().strip(), *parents, given=message.encode(), env=env).decode().strip()

    def move(self, ref: str, new: str, old: str, *, away: str = "") -> bool:
        """Compare and swap: the ref leads to `new` if it led to `old` until now; False when somebody else moved it.

        `away` is another ref that had `old` and goes in the same breath. Failure when the remote refuses it, or can't
        be reached.
        """
        expected = {ref: "" if away else old, **({away: old} if away else {})}
        for attempt in range(TRIES):
            said = self._move(expected, ref, new)
            if said.ok:
                return True
            there = self.where(list(expected))
            if there == {ref: new}:
                return True  # it arrived, and only the answer was lost
            if there != {name: commit for name, commit in expected.items() if commit}:
                return False
            if attempt + 1 == TRIES or not said.passing:
                break
            self.clock.sleep(WAIT * 2**attempt)
        raise Failure(f"the ledger can't be written {self.place}: {said.refusal}",
                      "this job needs the right to push (GitHub: `permissions: {contents: write}`); "
                      "nothing was sent to a vendor after this")

    def _move(self, expected: Mapping[str, str], ref: str, new: str) -> Said:
        if not self.remote:
            lines = [f"update {name} {new} {old}" if name == ref and old else f"create {name} {new}" if name == ref
                     else f"delete {name} {old}" for name, old in expected.items()]
            return self.git("update-ref", "--stdin", given="\n".join(lines).encode() + b"\n")
        leases = [f"--force-with-lease={name}:{old}" for name, old in expected.items()]
        specs = [f"{new}:{name}" if name == ref else f":{name}" for name in expected]
        atomic = ["--atomic"] if len(specs) > 1 else []
        return self.git("push", "--porcelain", "--no-verify", *atomic, *leases, self.remote, *specs, patience=PATIENCE)

    # objects

    def _hashes(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """The blobs of files; what is not here yet is written."""
        here = {data: sha for sha, data in self._blobs.items()}
        fresh = [name for name, data in files.items() if data not in here]
        try:
            with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
                for name in fresh:
                    (Path(folder) / name).write_bytes(files[name])
                paths = "".join(f"{folder}/{name}\n" for name in fresh).encode()
                shas = self._must("hash-object", "-w", "--no-filters", "--stdin-paths", given=paths).decode().split()
        except OSError as error:
            raise Failure(f"the ledger can't be written: {error.strerror or error}", "make room for temporary files") from error
        here.update((files[name], sha) for name, sha in zip(fresh, shas, strict=True))
        self._blobs = {here[data]: data for data in files.values()}
        return {name: here[data] for name, data in files.items()}

    def _contents(self, names: Sequence[str]) -> dict[str, bytes]:
        """Objects by their names, in one call."""
        if not names:
            return {}
        out = self._must("cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
        found, at = {}, 0
        for name in names:
            end = out.index(b"\n", at)
            meta = out[at:end].split()
            if len(meta) != 3:
                raise Failure(f"the ledger can't be read {self.place}: {name[:12]} is missing", "git fsck says what is wrong")
            size = int(meta[2])
            found[name] = out[end + 1:end + 1 + size]
            at = end + 2 + size
        return found

    # git itself

    def _reached(self, *words: str) -> bytes:
        """A read at the remote, tried again after a passing fault."""
        for attempt in range(TRIES):
            said = self.git(*words, patience=PATIENCE)
            if said.ok:
                return said.out
            if attempt + 1 == TRIES or not said.passing:
                break
            self.clock.sleep(WAIT * 2**attempt)
        raise Failure(f"the ledger can't be read {self.place}: {said.last}",
                      "check the remote, and that this job may read it (`git fetch` says more)")

    def _must(self, *words: str, given: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What git prints; Failure when it can't do it."""
        said = self.git(*words, given=given, env=env)
        if not said.ok:
            raise Failure(f"the ledger can't be used {self.place}: git {words[0]}: {said.last}", "git fsck may say more")
        return said.out

    def git(self, *words: str, given: bytes = b"", env: Mapping[str, str] | None = None, patience: float | None = None) -> Said:
        """One call. It has a session of its own, so that neither a Ctrl-C nor a prompt gets between."""
        durable = () if self.remote else ("core.fsync=committed",)
        settings = [part for one in (*_QUIET, *durable) for part in ("-c", one)]
        environ = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
        environ |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(env or {})}
        try:
            process = subprocess.Popen(["git", *settings, *words], cwd=self.root, env=environ, start_new_session=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise Failure(f"git could not be run: {error.strerror}", "store: git needs the git program") from error
        try:
            out, err = process.communicate(given, timeout=patience)
        except subprocess.TimeoutExpired:
            return Said(-1, b"", f"fatal: no answer within {patience:.0f} s")
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return Said(process.returncode, out, err.decode("utf-8", "replace"))


def _note(ref: str) -> str:
    return SEEN + ref.split("/", 2)[2]
