"""A model's complaints in plain words, each at the path in the author's own YAML that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model import has_token
from reconciler.suggest import did_you_mean

Path = tuple[Any, ...]

_TYPES = {
    "string_type": "a text", "int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "list_type": "a list", "dict_type": "a map", "model_type": "a map",
    "model_attributes_type": "a map", "none_required": "null", "mapping_type": "a map", "is_instance_of": "a secret",
    "float_parsing": "a number", "int_parsing": "a whole number", "bool_parsing": "true or false",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}"), "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"), "less_than": ("lt", "must be less than {}"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
    "string_too_long": ("max_length", "has at most {} characters"),
    "string_too_short": ("min_length", "has at least {} characters"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
    "too_long": ("max_length", "has at most {} entries"), "too_short": ("min_length", "has at least {} entries"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint: where (keys and indexes), what, a near word, and whether it is about a key rather than a value."""

    path: Path
    message: str
    hint: str = ""
    about_key: bool = False
    missing: str = ""


def shown(path: Iterable[Any]) -> str:
    """A path as people read it: `filters.groups[0].rollout_percentage`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def findings(errors: Iterable[Mapping[str, Any]], value: Any, known: Any = None) -> list[Finding]:
    """What pydantic says (`ValidationError.errors()`) of a value, one finding a place.

    `known(path)` gives the words that are known at a path, for "did you mean". What a model says of a value that
    is not known yet (a token) is dropped; that a key is missing or not known is no word about a value.
    """
    told = [(real_path(value, tuple(error["loc"])), error) for error in errors
            if error["type"] in ("missing", "extra_forbidden") or not has_token(error.get("input"))]
    places: dict[Path, list[Mapping[str, Any]]] = {}
    for path, error in told:
        if not _is_shallower(path, error, told):
            places.setdefault(path, []).append(error)
    return [_said(path, here, known) for path, here in places.items()]


def _holds(value: Any, part: Any) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def real_path(value: Any, loc: Path) -> Path:
    """A pydantic location without the names of union branches and validators."""
    path: list[Any] = []
    for n, part in enumerate(loc):
        if _holds(value, part):
            value = value[part]
        elif isinstance(value, dict) and n == len(loc) - 1 and isinstance(part, str) and part.isidentifier():
            path.append(part)
            break
        else:
            continue
        path.append(part)
    return tuple(path)


def _is_shallower(path: Path, error: Mapping[str, Any], told: list[tuple[Path, Mapping[str, Any]]]) -> bool:
    """A wrong type is not worth telling where another branch of a union got further."""
    return error["type"] in _TYPES and any(
        len(other) > len(path) and other[: len(path)] == path for other, _ in told)


def _said(path: Path, errors: list[Mapping[str, Any]], known: Any) -> Finding:
    wanted = list(dict.fromkeys(_TYPES[e["type"]] for e in errors if e["type"] in _TYPES))
    others = [e for e in errors if e["type"] not in _TYPES]
    if not others and all(error.get("input") is None for error in errors):
        return Finding(path, "can't be cleared: it always has a value")
    if not others:
        wanted = [one for one in wanted if one != "null"] or wanted
        return Finding(path, f"must be {' or '.join(wanted)}")
    error = others[0]
    name = str(path[-1]) if path else ""
    if error["type"] == "missing":
        return Finding(path[:-1], f"{name} is required", missing=name)
    if error["type"] == "extra_forbidden":
        words = list(known(path[:-1])) if known is not None else []
        return Finding(path, f"{name} is not known here", did_you_mean(name, words), about_key=True)
    return Finding(path, _words(error), _near(error))


def _words(error: Mapping[str, Any]) -> str:
    kind, about = error["type"], error.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return words.format(about.get(name))
    if kind in ("literal_error", "enum"):
        choices = _choices(error)
        return f"must be one of {', '.join(choices)}" if len(choices) > 1 else f"must be {choices[0]}"
    if kind in ("value_error", "assertion_error"):
        return str(about.get("error", error["msg"]))
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


def _choices(error: Mapping[str, Any]) -> list[str]:
    text = str(error.get("ctx", {}).get("expected", ""))
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",") if word.strip()]


def _near(error: Mapping[str, Any]) -> str:
    given = error.get("input")
    if error["type"] in ("literal_error", "enum") and isinstance(given, str):
        return did_you_mean(given, _choices(error))
    return ""
