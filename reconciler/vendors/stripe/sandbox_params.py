"""How the sandbox reads parameters: by declared type, refusing what Stripe would refuse, in Stripe's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.sandbox.store import Complaint as Refusal


class Complaint(Refusal):
    """A refusal as Stripe writes it."""

    def __init__(self, message: str, *, status: int = 400, type: str = "invalid_request_error", code: str = "",
                 param: str = "") -> None:
        super().__init__(status, {"error": {"type": type, "message": message, **({"code": code} if code else {}),
                                            **({"param": param} if param else {})}})


@dataclass(frozen=True)
class Param:
    """One parameter: a scalar of some `kind`, a list of `item`, a map of `item`, or an object with `fields`.

    `clears` says that an empty text is taken and clears the field.
    """

    kind: str = "text"
    item: Param | None = None
    fields: Mapping[str, Param] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    longest: int = 5000
    most: int | None = None
    clears: bool = False

    @property
    def clearable(self) -> Param:
        """The same parameter where an empty text clears it."""
        return replace(self, clears=True)


TEXT, INT, FLOAT, BOOL, DECIMAL = (Param(kind) for kind in ("text", "int", "float", "bool", "decimal"))
METADATA = Param("metadata")
EXPAND = Param("list", item=TEXT)


def one_of(*choices: str) -> Param:
    """A closed set of words."""
    return Param("choice", choices=choices)


def many(item: Param, most: int | None = None) -> Param:
    """A list."""
    return Param("list", item=item, most=most)


def by_key(item: Param) -> Param:
    """A map with keys of the caller's own."""
    return Param("map", item=item)


def made_of(required: tuple[str, ...] = (), /, **fields: Param) -> Param:
    """An object."""
    return Param("object", fields=fields, required=required)


def read(given: Any, param: Param, path: str = "") -> Any:
    """The value that a parameter means; None where it clears the field."""
    if given == "" and param.kind != "metadata":
        if param.clears:
            return None
        if path:
            raise Complaint(f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
                            f"a parameter; however '{path}' cannot be unset.",
                            code="parameter_invalid_empty", param=path)
    if param.kind == "object":
        return _object(given, param, path)
    if param.kind == "map":
        _expect(isinstance(given, dict), "hash", path)
        return {key: read(value, param.item or TEXT, f"{path}[{key}]") for key, value in given.items()}
    if param.kind == "list":
        return _list(given, param, path)
    return _metadata(given, path) if param.kind == "metadata" else _scalar(given, param, path)


def _object(given: Any, param: Param, path: str) -> dict[str, Any]:
    _expect(isinstance(given, dict), "hash", path)
    for key in given:
        if key not in param.fields:
            at = f"{path}[{key}]" if path else key
            raise Complaint(f"Received unknown parameter: {at}", code="parameter_unknown", param=at)
    for key in param.required:
        if key not in given:
            at = f"{path}[{key}]" if path else key
            raise Complaint(f"Missing required param: {at}.", code="parameter_missing", param=at)
    return {key: read(value, param.fields[key], f"{path}[{key}]" if path else key) for key, value in given.items()}


def _list(given: Any, param: Param, path: str) -> list[Any]:
    _expect(isinstance(given, list), "array", path)
    if param.most is not None and len(given) > param.most:
        raise Complaint(f"Array {path} exceeded maximum {param.most} allowed elements.", param=path)
    return [read(value, param.item or TEXT, f"{path}[{n}]") for n, value in enumerate(given)]


def _metadata(given: Any, path: str) -> Any:
    if given == "":
        return None
    _expect(isinstance(given, dict), "hash", path)
    for key, value in given.items():
        _expect(isinstance(value, str), "string", f"{path}[{key}]")
        if len(key) > 40:
            raise Complaint(f"Metadata keys can be up to 40 characters; {key!r} is longer.", param=path)
        if len(value) > 500:
            raise Complaint(f"Metadata values can have up to 500 characters, but you passed in a value that is "
                            f"{len(value)} characters.", param=f"{path}[{key}]")
    return dict(given)


def _scalar(given: Any, param: Param, path: str) -> Any:
    _expect(isinstance(given, str), "string", path)
    if param.kind == "int":
        if not re.fullmatch(r"-?\d+", given):
            raise Complaint(f"Invalid integer: {given}", code="parameter_invalid_integer", param=path)
        return int(given)
    if param.kind == "bool":
        if given not in ("true", "false"):
            raise Complaint(f"Invalid boolean: {given}", param=path)
        return given == "true"
    if param.kind == "decimal" and not re.fullmatch(r"\d+(\.\d{1,12})?", given):
        raise Complaint(f"Invalid decimal: {given}; must contain at maximum 12 decimal places.", param=path)
    if param.kind == "float":
        if not re.fullmatch(r"-?\d+(\.\d+)?", given):
            raise Complaint(f"Invalid decimal: {given}", param=path)
        return float(given)
    if param.kind == "choice" and given not in param.choices:
        raise Complaint(f"Invalid {path}: must be one of {', '.join(param.choices)}", param=path)
    if len(given) > param.longest:
        raise Complaint(f"Invalid string: {given[:8]}...; must be at most {param.longest} characters", param=path)
    return given


def _expect(holds: bool, what: str, path: str) -> None:
    if not holds:
        raise Complaint(f"Invalid {what}", code=f"parameter_invalid_{what}" if what == "string" else "", param=path)
