"""One sort of object at one vendor: what it is, how it is read, which calls change it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from reconciler.contract.declare import Refer, declared
from reconciler.contract.permissions import Permissions
from reconciler.contract.spec import Mark, Output, Shape, Spec, marked, shape_of
from reconciler.model import (
    Action,
    Address,
    Call,
    Change,
    Changes,
    Fact,
    Fate,
    Fields,
    Impact,
    Live,
    Note,
    Unseen,
    Want,
    has_token,
    refs_in,
)

if TYPE_CHECKING:
    from reconciler.contract.http import Api

S = TypeVar("S", bound=Spec)


class Replace(Enum):
    """Which goes first when an object has to be replaced."""

    DELETE_FIRST = "delete first"
    CREATE_FIRST = "create first"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a reading is for: a kind may read all, or only what is asked where that is cheaper.

    `wants` are the entries of the manifests (references still as tokens), `ids` what the ledger knows,
    `parents` the live objects of the parent kind, `outputs` the outputs that other entries refer to.
    """

    wants: tuple[Want[Any], ...] = ()
    ids: frozenset[str] = frozenset()
    parents: tuple[Live, ...] = ()
    outputs: frozenset[str] = frozenset()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """What a kind may look at when it judges an action: the other live objects and the other actions.

    `live` maps a bound kind name to its live objects, `actions` an address to its action, `about` is what the
    connection's Api says of our own access.
    """

    live: Mapping[str, tuple[Live, ...]] = field(default_factory=dict)
    actions: Mapping[Address, Action] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def heard(self, action: Action, output: str) -> bool:
        """Whether anything takes an output of an action's object: a sink, or an entry that refers to it."""
        if action.resource is not None and output in action.resource.lifecycle.deliver:
            return True
        given = (other.resource.fields for other in self.actions.values() if other.resource is not None)
        return any(ref.address == action.address and ref.output == output for fields in given for ref in refs_in(fields))


ID: Mapping[str, Output] = {"id": Output()}


class Kind(ABC, Generic[S]):
    """One sort of object at one vendor; it reads through `self.api` and never sends anything that writes.

    `later` names the fields that a create can't carry; an update right after it brings them. `room` says
    whether an object can carry our mark. `verified` says that the vendor takes in silence what it does not keep, so
    that an apply reads back what it wrote and tells what is not there. `settle` is how long, in seconds, a new object
    may be missing from lists. `create_impact` is what a create means apart from its fields' impacts, `waits` what a plan
    says of an entry whose object only the vendor can make and has not made yet, `permissions` what a credential needs.
    `terraform` are Terraform's types of it, each with a glob of the handle; without any `<vendor>_<noun>` by its `id`.
    """

    name: ClassVar[str]
    spec: ClassVar[type[Spec]]
    outputs: ClassVar[Mapping[str, Output]] = ID
    parent: ClassVar[str | None] = None
    creatable: ClassVar[bool] = True
    replace: ClassVar[Replace] = Replace.DELETE_FIRST
    singleton: ClassVar[bool] = False
    later: ClassVar[tuple[str, ...]] = ()
    room: ClassVar[bool] = False
    verified: ClassVar[bool] = False
    settle: ClassVar[float] = 0.0
    create_impact: ClassVar[Impact] = Impact.ADDITIVE
    waits: ClassVar[str] = "waiting: only the vendor makes it"
    permissions: ClassVar[Permissions] = Permissions()
    terraform: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, api: Api | None = None, connection: str | None = None, vendor: str | None = None) -> None:
        self._api = api
        short, _, noun = self.name.partition(".")
        self.connection, self.vendor = connection or short, vendor or short.capitalize()
        self.bound = f"{self.connection}.{noun}"

    @property
    def api(self) -> Api:
        """The vendor's client; only there when the run may read."""
        if self._api is None:
            raise RuntimeError(f"{self.bound} is used offline and has no client")
        return self._api

    @property
    def shape(self) -> Shape:
        """The marks of its fields."""
        return shape_of(self.spec)

    def kin(self, kind: str) -> str:
        """The bound name of another kind of the same vendor (`stripe.product` → `stripe_eu.product`)."""
        return f"{self.connection}.{kind.partition('.')[2]}"

    # reading

    @abstractmethod
    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The live objects: all of them, or what is asked for where that is cheaper."""

    @abstractmethod
    def get(self, id: str) -> Live | None:
        """One object by its full handle; None is proof of absence."""

    def lookup(self, want: Want[S]) -> Iterable[Live]:
        """Objects with the mark or natural key of `want`, read afresh; used to settle unknown outcomes."""
        key = self.identity(want.fields)
        for live in self.list(Ask(wants=(want,), everything=False)):
            if isinstance(live, Unseen):
                continue
            mine = want.owner is not None and live.owner is not None and (live.owner.stack, live.owner.address) == (
                want.owner.stack, want.owner.address)
            if mine or (key is not None and self.identity(live.fields) == key):
                yield live

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        """The natural key in normal form; None where there is none or it is not known yet."""
        parts = []
        for name, shape in marked(self.spec, Mark.NAMED, Mark.IDENTITY):
            value = fields.get(name, shape.default)
            if value is None or has_token(value):
                return None
            parts.append(shape.normal(value) if shape.normal else value)
        return tuple(parts) or None

    def foretell(self, want: Want[S]) -> Mapping[str, str]:
        """The outputs that are known before the object exists, because the author chose them."""
        found = {}
        for output, meaning in self.outputs.items():
            if meaning.foretold is not None:
                value = want.get(meaning.foretold)
                if value is not None and not has_token(value):
                    found[output] = str(value)
        return found

    def declare(self, live: Live, refer: Refer) -> Fields:
        """The fields as an exported manifest gives them; those that the spec requires and nobody can read are left out."""
        return declared(live.fields, self.shape, refer)

    def named(self, field: str) -> bool:
        """Whether a field is the natural key that an entry's name stands for where it is left out."""
        return Mark.NAMED in self.shape.child(field).marks

    def title(self, live: Live) -> str:
        """What an exported entry is called, before it is made a name; the natural key, or what people call it."""
        key = [live.fields.get(name) for name, shape in self.shape.children.items()
               if shape.marks & {Mark.NAMED, Mark.IDENTITY} and isinstance(live.fields.get(name), str) and not shape.link]
        known = (live.fields.get(name) for name in ("name", "display_name", "title"))
        return str(next((one for one in (*key, *known) if one), live.id))

    def needed(self, want: Want[S]) -> Permissions:
        """What a credential must be allowed for one entry."""
        return self.permissions.of(want, self.shape)

    # writing, as values

    @abstractmethod
    def create(self, want: Want[S]) -> Call:
        """The one call that makes the object; deferred fields and `later` ones are not in `want`."""

    def owed(self, want: Want[S]) -> Iterable[str]:
        """The fields that an update right after the create still brings: `later` ones, which the create never sees."""
        return (name for name in want.fields if name in self.later)

    def born(self, want: Want[S]) -> bool:
        """Whether the vendor makes this object by itself, along with its parent; a create looks for it first and takes it."""
        return False

    @abstractmethod
    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """The calls that bring exactly these changes; `live.id` may be a token right after a create."""

    @abstractmethod
    def delete(self, live: Live) -> Iterable[Call]:
        """The calls that remove it, as the vendor really does it."""

    def revive(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """The calls that bring an archived or soft-deleted object back, with these changes."""
        return self.update(live, want, changes)

    def claim(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """The calls that write our mark and nothing else; none where there is no room."""
        return ()

    def release(self, live: Live) -> Iterable[Call]:
        """The calls that take our own mark off; none where there is no room."""
        return ()

    def read(self, answer: Any) -> Live | None:
        """The object that an answer shows; None when it does not show it whole, so that it must be read."""
        return None

    # judgement

    def ended(self, live: Live) -> bool:
        """Whether nothing is left of an object that a removed entry would remove."""
        return live.archived

    def fate(self, live: Live) -> Fate:
        """What delete really does to this object."""
        return Fate()

    def forces(self, live: Live, want: Want[S], change: Change) -> bool:
        """Whether this change needs another object, beyond what IMMUTABLE says (one-way fields)."""
        return change.replaces

    def replacing(self, live: Live, want: Want[S]) -> Replace:
        """Which goes first when this object is replaced; `replace`, unless it hangs on what changes."""
        return self.replace

    def revivable(self, live: Live, want: Want[S]) -> bool:
        """Whether an archived object with our key is brought back; if not, a new one takes its key."""
        return True

    def rests(self, want: Want[S]) -> bool:
        """Whether the manifest itself asks for the archived state (`active: false`)."""
        return False

    def after(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """Calls that an unchanged object still wants (a domain's verify); shown and digested, never a change."""
        return ()

    def implied(self, fields: Fields) -> Fields:
        """The checked fields of an entry, with what it means without saying it."""
        return fields

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Offline findings that no single field's type can say, as (path, message)."""
        return ()

    def remarks(self, live: Live, want: Want[S]) -> Iterable[Note]:
        """What an object that needs no change still has to say: what it was made with can't follow the manifest."""
        return ()

    def releases(self, action: Action) -> bool:
        """Whether this update frees what it needs, so that it goes before its needs' drops."""
        return False

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What the action means: impact, effects, refusals."""
        return ()

    def look(self, action: Action) -> Iterable[Fact]:
        """Extra reads for pending actions only."""
        return ()


class Singleton(Kind[S]):
    """Settings that always exist: to create them is to update them, to delete them is to forget them."""

    singleton = True

    def create(self, want: Want[S]) -> Call:
        """Never called: a singleton is always there."""
        raise RuntimeError(f"{self.bound} always exists")

    def delete(self, live: Live) -> Iterable[Call]:
        """Nothing is sent: the settings stay as they are."""
        return ()

    def fate(self, live: Live) -> Fate:
        """Settings are let go, not removed."""
        return Fate("release")
