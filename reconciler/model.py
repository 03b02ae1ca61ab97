"""The nouns that every part of the tool shares; values only, nothing here does anything."""
# over 300 lines: the nouns are read together, and every one of them is named by another

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

Fields = dict[str, Any]
"""Fields of one object in the manifest's own terms: JSON values, with tokens where a value is not known yet."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]*\Z")
_OPEN, _CLOSE = "\x02", "\x03"
_TOKEN = re.compile("\x02(ref|secret) ([^\x02\x03 ]+)(?: ([^\x02\x03 ]+))?\x03")


class Address(NamedTuple):
    """The name of an entry: its kind (whose first part is the connection) and its own name.

    A tuple, because addresses are the keys of everything, and a tuple is hashed in C.
    """

    kind: str
    name: str

    @property
    def connection(self) -> str:
        """The connection of reconciler.yaml that the entry belongs to."""
        return self.kind.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind/name`; ValueError when it is not one."""
        kind, slash, name = text.partition("/")
        if not slash or "." not in kind or not NAME.match(name):
            raise ValueError(f"{text!r} is not an address such as stripe.price/pro_monthly")
        return cls(kind, name)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; lines and columns count from 1, the file is relative to the project's root."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Ref(str):
    """An output of another entry, known once that entry exists.

    Its text is a token, so that a kind may put it into a path or a body like any other string; the engine
    fills it in before the call is sent. YAML can't carry the control characters, so no manifest can forge one.
    """

    @classmethod
    def to(cls, address: Address, output: str = "id") -> Ref:
        """The token of one output of one entry."""
        return cls(f"{_OPEN}ref {address} {output}{_CLOSE}")

    @property
    def address(self) -> Address:
        """The entry that is referred to."""
        return Address.parse(self[1:-1].split(" ")[1])

    @property
    def output(self) -> str:
        """The output of that entry."""
        return self[1:-1].split(" ")[2]


class SecretRef(str):
    """A secret named in reconciler.yaml; the value is read only when it is compared or sent."""

    @classmethod
    def to(cls, name: str) -> SecretRef:
        """The token of one named secret."""
        return cls(f"{_OPEN}secret {name}{_CLOSE}")

    @property
    def name(self) -> str:
        """The secret's name in reconciler.yaml."""
        return self[1:-1].split(" ")[1]


def tokens_in(value: Any) -> Iterator[Ref | SecretRef]:
    """Every token in a value, at any depth, also inside longer strings."""
    texts: list[str] = []
    _marked(value, texts)
    for text in texts:
        for hit in _TOKEN.finditer(text):
            yield Ref(hit[0]) if hit[1] == "ref" else SecretRef(hit[0])


def _marked(value: Any, found: list[str]) -> None:
    """The texts in a value that hold a token; asked of every field of every entry, so it makes nothing on the way."""
    if isinstance(value, str):
        if _OPEN in value:
            found.append(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if _OPEN in key:
                found.append(key)
            _marked(item, found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _marked(item, found)


def refs_in(value: Any) -> Iterator[Ref]:
    """Every reference to another entry in a value."""
    return (token for token in tokens_in(value) if isinstance(token, Ref))


def has_token(value: Any) -> bool:
    """Whether anything in a value is still to be filled in."""
    if isinstance(value, str):
        return _OPEN in value and _TOKEN.search(value) is not None
    return next(tokens_in(value), None) is not None


def fill(value: Any, find: Callable[[Ref | SecretRef], Any]) -> Any:
    """The value with its tokens replaced by what `find` says; a token that `find` returns stays.

    A string that is one token takes the found value as it is (which may be a Secret or a number); inside a
    longer string the found value is written as text.
    """
    if isinstance(value, str):
        if _OPEN not in value:
            return value
        whole = _TOKEN.fullmatch(value)
        if whole:
            return find(Ref(value) if whole[1] == "ref" else SecretRef(value))
        return _TOKEN.sub(lambda hit: str(find(Ref(hit[0]) if hit[1] == "ref" else SecretRef(hit[0]))), value)
    if isinstance(value, dict):
        return {fill(key, find): fill(item, find) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, find) for item in value]
    return value


class Impact(str, Enum):
    """What a change means to the person who answers for it; in the order in which a reader should see them."""

    IRREVERSIBLE = "irreversible"
    DELETE = "delete"
    MONEY = "money"
    ACCESS = "access"
    ADOPT = "adopt"
    DRIFT = "drift"
    BEHAVIOURAL = "behavioural"
    ADDITIVE = "additive"
    COSMETIC = "cosmetic"

    __hash__ = str.__hash__

    @property
    def rank(self) -> int:
        """0 is what a reader must see first."""
        return list(Impact).index(self)


class Op(str, Enum):
    """What an action does to its address."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    MOVE = "move"
    FORGET = "forget"
    NOOP = "noop"
    BLOCKED = "blocked"

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where an output that is shown only once is handed to."""

    to: str
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a manifest says about handling an entry, apart from its fields."""

    protect: bool = False
    on_remove: str = "delete"
    adopt: str = "equal"
    id: str | None = None
    manage: bool = True
    formerly: tuple[str, ...] = ()
    seed: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    deliver: Mapping[str, Delivery] = field(default_factory=dict)
    rotate: str | None = None
    keep_old: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One entry of the manifests: checked, with variables and files put in, references as tokens.

    `waits` are entries that no field names and that must be there first: what its deliveries go into.
    """

    address: Address
    fields: Fields
    at: Location
    lifecycle: Lifecycle = Lifecycle()
    places: Mapping[str, Location] = field(default_factory=dict)
    waits: tuple[Address, ...] = ()

    def place(self, path: str) -> Location:
        """Where the manifest says `path`, or the nearest thing above it."""
        while path:
            if path in self.places:
                return self.places[path]
            above = re.sub(r"(\.?[^.\[]+|\[[^\]]*\])\Z", "", path)
            path = above if above != path else path[:-1]
        return self.at

    @property
    def needs(self) -> tuple[Address, ...]:
        """The entries that this one refers to or delivers into, each once, in the order met."""
        return tuple(dict.fromkeys((*(ref.address for ref in refs_in(self.fields)), *self.waits)))


@dataclass(frozen=True, slots=True)
class Owner:
    """An ownership mark: the stack (`project/stack`) and address an object says it belongs to, and its seal."""

    stack: str
    address: str
    seal: str = ""


S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Want(Generic[S]):
    """What one entry asks for, as a kind's writing methods get it; `fields` holds what was given and nothing else."""

    address: Address
    fields: Fields
    owner: Owner | None = None

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or the default where the manifest leaves it out."""
        return self.fields.get(name, default)


@dataclass(frozen=True, slots=True)
class Live:
    """An object as the vendor has it now, in the manifest's own terms.

    `lacks` are fields that no object of its kind holds anything of: the vendor's plan may drop them without a word.
    """

    id: str
    fields: Fields
    outputs: Mapping[str, Any] = field(default_factory=dict)
    owner: Owner | None = None
    archived: bool = False
    by_vendor: bool = False
    raw: Any = field(default=None, compare=False, repr=False)
    lacks: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be read: one object (`id`), all below one parent, or a whole kind; never absence."""

    reason: str
    id: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request that writes, as a value.

    `safe` says that repeating it can do no harm (an upsert by path). `path` may hold tokens; values put into
    it are percent-encoded. The idempotency key is the engine's business, the encoding the vendor's.
    """

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    safe: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; `before` and `after` are in the manifest's terms."""

    path: str
    before: Any
    after: Any
    replaces: bool = False
    secret: bool = False
    drift: bool = False
    unknown: bool = False
    impact: Impact = Impact.BEHAVIOURAL


Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What a change means, said by its kind; `refuse` blocks the action until the author consents by address.

    `subject` is the word a reader sees in front (`gains`, `old price`); `consent` is what lifts a refusal.
    """

    text: str
    subject: str = ""
    impact: Impact | None = None
    refuse: bool = False
    consent: Impact = Impact.IRREVERSIBLE
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something read at the vendor to help a reader; shown, never part of a digest."""

    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What removing an object really does at its vendor.

    `keeps_key` says that what is left still holds the natural key, which no other object is ever given.
    """

    word: str = "delete"
    irreversible: bool = False
    why: str = ""
    keeps_key: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """All that one run does about one address, with the calls that do it.

    `make` creates or updates (the first call of a create is the create), `link` sets deferred fields once both
    ends exist, `unlink` clears them before drops, `drop` removes old objects, and `drops` are their ids.
    `kept` are old ones whose time is up and that somebody still uses.
    `candidates` are ids that looked like it before a create, so that recovery never takes one of them for the new object.
    `former` are addresses whose drops must wait until this action no longer points at them. `seen` is the
    fingerprint of the live object that the plan looked at; `wants` the fields as they shall be.
    """

    op: Op
    address: Address
    id: str | None = None
    impact: tuple[Impact, ...] = ()
    effect: str | None = None
    changes: Changes = ()
    needs: tuple[Address, ...] = ()
    former: tuple[Address, ...] = ()
    notes: tuple[Note, ...] = ()
    facts: tuple[Fact, ...] = ()
    blocked: str | None = None
    at: Location | None = None
    make: tuple[Call, ...] = ()
    link: tuple[Call, ...] = ()
    unlink: tuple[Call, ...] = ()
    drop: tuple[Call, ...] = ()
    after: tuple[Call, ...] = ()
    drops: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    moved_from: Address | None = None
    resource: Resource | None = field(default=None, compare=False, repr=False)
    want: Want[Any] | None = field(default=None, compare=False, repr=False)
    live: Live | None = field(default=None, compare=False, repr=False)
    seen: str = ""

    @property
    def calls(self) -> tuple[Call, ...]:
        """All its requests that write, in the order of its own steps."""
        return self.make + self.link + self.unlink + self.drop + self.after

    @property
    def acts(self) -> bool:
        """Whether the action changes anything, at the vendor or in the ledger's list of what is ours."""
        return self.op not in (Op.NOOP, Op.BLOCKED)


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake of the author's, with its place and the next step."""

    message: str
    at: Location | None = None
    path: str = ""
    hint: str = ""
    help: str = ""
    width: int = 1
    severity: str = "error"


class Result(str, Enum):
    """How one step ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "not started"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action ended; `error` is what the vendor or the engine said, `next` the next step."""

    address: Address
    result: Result
    error: str = ""
    next: str = ""
    path: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one apply would do, as a frozen value; the calls are in its actions.

    `actions` hold every address, noops included, in the order in which a reader should see them. `digests` are
    the action digests by address, `digest` the plan's over them. `accounts` are pinned account ids by
    connection. `left_out` says in sentences what a selection or stack left out, `warnings` what a reader should
    know of the whole. `stopped` holds the thresholds that stop everything. `reads` is how many requests the
    plan took, `writes` how many an apply would send.
    """

    project: str
    stack: str
    actions: tuple[Action, ...] = ()
    digest: str = ""
    digests: Mapping[Address, str] = field(default_factory=dict)
    serial: int = 0
    consents: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    unreadable: bool = False

    def count(self, op: Op) -> int:
        """How many actions have this operation."""
        return sum(action.op is op for action in self.actions)

    @property
    def drifted(self) -> int:
        """How many actions only undo what somebody changed by hand."""
        return sum(Impact.DRIFT in action.impact for action in self.actions if action.acts)

    @property
    def empty(self) -> bool:
        """Whether an apply would do nothing and nothing is blocked."""
        return not any(action.acts or action.op is Op.BLOCKED for action in self.actions)

    @property
    def summary(self) -> dict[str, int]:
        """Counts by operation, as plan.json writes them."""
        return {op.value: self.count(op) for op in Op} | {"drift": self.drifted}


@dataclass(frozen=True, slots=True)
class Turned:
    """One field that is not as it was applied: what it was, as far as the manifest still says it (`said`), and is now."""

    path: str
    was: Any
    now: Any
    secret: bool = False
    said: bool = True


class Fell(str, Enum):
    """What somebody did to an object outside of the manifests."""

    CHANGED = "changed"
    REMOVED = "removed"
    ARCHIVED = "archived"
    TAKEN = "taken over"


@dataclass(frozen=True, slots=True)
class Drifted:
    """One entry whose object is not as it was applied; `by` is the stack that took it over."""

    action: Action
    what: Fell
    fields: tuple[Turned, ...] = ()
    by: str = ""

    @property
    def address(self) -> Address:
        """The entry."""
        return self.action.address


@dataclass(frozen=True, slots=True)
class Drift:
    """All that drifted, in the order of the plan; `unreadable` are the entries of which nobody can tell, `same` the others."""

    plan: Plan
    found: tuple[Drifted, ...] = ()
    unreadable: tuple[Action, ...] = ()
    same: int = 0

    def count(self, what: Fell) -> int:
        """How many entries this happened to."""
        return sum(one.what is what for one in self.found)


@dataclass(frozen=True, slots=True)
class Report:
    """How an apply ended: one outcome per action that was to act, and the outputs known at the end."""

    outcomes: tuple[Outcome, ...] = ()
    run: str = ""
    interrupted: bool = False
    not_in_plan: tuple[Address, ...] = ()

    def having(self, result: Result) -> tuple[Outcome, ...]:
        """The outcomes with this result."""
        return tuple(outcome for outcome in self.outcomes if outcome.result is result)
