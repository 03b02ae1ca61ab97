"""JSON Schema of reconciler.yaml: the project's keys, every vendor's settings, and stacks that say a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from reconciler.contract import Env, Vendor
from reconciler.derive import keys
from reconciler.derive.fields import MODEL, SECRET, Json, described, sentences
from reconciler.derive.manifest_schema import DRAFT, NULL, TEXT, exactly
from reconciler.model import Impact
from reconciler.project.model import CONNECTION, NAME, VARIABLE, Config, StackConfig

SOURCES = ("env", "file", "vault", "op")
_ALLOW = f"^({'|'.join(impact.value for impact in Impact)}):{CONNECTION[1:-1]}\\.[^/]+/[A-Za-z0-9][A-Za-z0-9_.@-]*$"
_SHARED: Mapping[str, Json] = {
    "env": exactly("An environment variable.", env={"type": "string", "pattern": VARIABLE}),
    "file": exactly("A file, relative to the project.", file=TEXT),
    "secret": exactly("A secret named under secrets:.", secret=TEXT),
    "var": exactly("A variable named under vars:.", var=TEXT),
    "elsewhere": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("env", "file", "var")]},
    "credential": {"description": "Where a credential comes from; it is never written down.",
                   "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("env", "file", "secret")]},
}


def project_schema(vendors: Iterable[Vendor]) -> Json:
    """The schema of reconciler.yaml with these vendors."""
    known = {vendor.name: vendor for vendor in vendors}
    own, defs = _config()
    defs.update({f"vendor.{name}": _settings(known[name], defs) for name in sorted(known)})
    defs["connection"] = _connection(known, required=["use"])
    own["properties"]["vendors"] = {**_said("vendors"), **_connections(known)}
    defs.update(_over(defs))
    defs["over.connection"] = _connection(known, required=[])
    defs["stack"] = _stack(own["properties"], known)
    own["properties"]["stacks"] = {
        **_said("stacks"), "type": "object", "minProperties": 1, "additionalProperties": False,
        "patternProperties": {NAME: {"anyOf": [{"$ref": "#/$defs/stack"}, NULL]}}}
    return {"$schema": DRAFT, "title": "reconciler.yaml", **own,
            "$defs": {**_SHARED, **{name: defs[name] for name in sorted(defs)}}}


# the project's own keys


def _config() -> tuple[Json, dict[str, Json]]:
    json, defs, _ = described(Config)
    own = _plain(json)
    for name, made in own["properties"].items():
        own["properties"][name] = {**_said(name), **made}
    own["properties"]["allow"]["items"]["pattern"] = _ALLOW
    own["description"] = "The project: stacks, vendor connections, ledger, variables, secrets, limits."
    made = {name: _plain(one) for name, one in defs.items()}
    made["Source"].update(_one_source())
    for part in ("LedgerSettings", "Limits", "OutputFile", "SinkCommand"):
        _tell(made[part])
    return own, made


def _said(name: str) -> Json:
    return {"description": keys.PROJECT[name]}


def _tell(part: Json) -> None:
    """Put words on the keys of a part that has them."""
    for name in part["properties"]:
        if name in keys.PROJECT:
            part["properties"][name] = {**_said(name), **part["properties"][name]}


def _one_source() -> Json:
    """Exactly one place, and a key with a path in a vault only."""
    given = {name: {"required": [name], "properties": {name: {"type": "string"}}} for name in (*SOURCES, "key")}
    others = [given[name] for name in SOURCES if name != "vault"]
    return {"oneOf": [{"allOf": [given["vault"], given["key"]]}, *others],
            "not": {"allOf": [given["key"], {"not": given["vault"]}]}}


def _plain(json: Json) -> Json:
    """Without pydantic's own keys and defaults of null; a map with patterns for its keys takes no others."""
    kept: Json = {}
    for key, value in json.items():
        if key in ("properties", "patternProperties"):
            kept[key] = {name: _plain(one) for name, one in value.items()}
        elif key not in (MODEL, "discriminator") and not (key == "default" and _says_nothing(value)):
            kept[key] = _inside(value)
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    if "description" in kept:
        kept["description"] = " ".join(sentences(kept["description"]))
    return kept


def _says_nothing(default: Any) -> bool:
    """Whether a default is empty, or only repeats the defaults of the map below it."""
    return default in (None, []) or isinstance(default, dict)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    return [_inside(item) for item in value] if isinstance(value, list) else value


# vendors


def _settings(vendor: Vendor, defs: dict[str, Json]) -> Json:
    """One vendor's settings; what may come from the environment need not be written."""
    json, inner, _ = described(vendor.settings)
    defs.update({f"{vendor.name}.{name}": _part(vendor.name, one) for name, one in inner.items()})
    made = _part(vendor.name, json)
    variables = _variables(vendor.settings)
    required = [name for name in json.get("required", ()) if name not in variables]
    for name, one in made["properties"].items():
        text = " ".join([*([keys.SETTINGS[name]] if name in keys.SETTINGS else []),
                         *([f"Where it is left out: {variables[name]} of the environment."] if name in variables else [])])
        made["properties"][name] = {**({"description": text} if text else {}), **one}
    made.pop("required", None)
    made["properties"] = {"use": {"const": vendor.name, "description": keys.SETTINGS["use"]}, **made["properties"]}
    return {**made, **({"required": required} if required else {})}


def _variables(model: type[BaseModel]) -> dict[str, str]:
    return {name: meta.name for name, info in model.model_fields.items() for meta in info.metadata
            if isinstance(meta, Env)}


def _part(vendor: str, json: Json) -> Json:
    """A settings model; every value may be named instead of written, and a credential must be."""
    made = _plain(json)
    made["properties"] = {name: _value(vendor, one) for name, one in made.get("properties", {}).items()}
    return made


def _value(vendor: str, json: Json) -> Json:
    if SECRET in json:
        return {"$ref": "#/$defs/credential"}
    if "$ref" in json:
        return {**json, "$ref": f"#/$defs/{vendor}.{json['$ref'].rpartition('/')[2]}"}
    for word in ("anyOf", "oneOf"):
        if word in json:
            parts = [_value(vendor, part) for part in json[word]]
            return {**json, word: [part for n, part in enumerate(parts) if part not in parts[:n]]}
    if json.get("type") in ("null", "object"):
        return json
    if json.get("type") == "array":
        return {**json, "items": _value(vendor, json.get("items", {}))}
    kept: Json = {key: json[key] for key in ("default", "description") if key in json}
    return {"anyOf": [{key: one for key, one in json.items() if key not in kept}, {"$ref": "#/$defs/elsewhere"}], **kept}


def _connections(known: Mapping[str, Vendor], over: str = "") -> Json:
    """Connections by name: a vendor's own name, or any other with `use`."""
    other = {"$ref": f"#/$defs/{over}connection"}
    named = {name: {"if": {"type": "object", "required": ["use"]}, "then": other,
                    "else": {"anyOf": [{"$ref": f"#/$defs/{over}vendor.{name}"}, NULL]}} for name in sorted(known)}
    return {"type": "object", "properties": named, "patternProperties": {_others(known): {"anyOf": [other, NULL]}},
            "additionalProperties": False}


def _others(known: Mapping[str, Vendor]) -> str:
    apart = "".join(f"(?!{name}$)" for name in sorted(known))
    return f"^{apart}{CONNECTION[1:]}"


def _connection(known: Mapping[str, Vendor], required: list[str]) -> Json:
    over = "" if required else "over."
    return {
        "description": "A connection under a name of its own: `use` names the vendor.", "type": "object",
        "properties": {"use": {"enum": sorted(known), "description": keys.SETTINGS["use"]}},
        **({"required": required} if required else {}),
        "allOf": [{"if": {"required": ["use"], "properties": {"use": {"const": name}}},
                   "then": {"$ref": f"#/$defs/{over}vendor.{name}"}} for name in sorted(known)]}


# stacks


def _stack(properties: Json, known: Mapping[str, Vendor]) -> Json:
    """What a stack may say for itself: maps are laid over the project's, so nothing is required, and null leaves out."""
    own = {name: {**_said(name), **_or_null(_loose({k: v for k, v in properties[name].items() if k != "description"}))}
           for name in StackConfig.model_fields if name not in ("formerly", "vendors")}
    return {"type": "object", "description": "The differences of one stack; null leaves something out.",
            "additionalProperties": False, "properties": {
                "formerly": {**properties["formerly"], "description": "Names that the stack had before."},
                "vendors": {**_said("vendors"), **_or_null(_connections(known, "over."))}, **own}}


def _over(defs: Mapping[str, Json]) -> dict[str, Json]:
    return {f"over.{name}": _loose(one) for name, one in defs.items() if name != "connection"}


def _or_null(json: Json) -> Json:
    return {"anyOf": [json, NULL]}


def _loose(json: Json) -> Json:
    """The same as a part of it: nothing is required, everything may be null; lists are whole."""
    made: Json = {}
    for key, value in json.items():
        if key in ("required", "not", "default") or (key == "oneOf" and "properties" in json):
            continue
        if key in ("properties", "patternProperties"):
            made[key] = {name: _nullable(one) for name, one in value.items()}
        elif key == "additionalProperties" and isinstance(value, dict):
            made[key] = _nullable(value)
        elif key in ("anyOf", "oneOf"):
            made["anyOf"] = [_loose(one) for one in value]
        elif key == "$ref" and not _names_a_place(value):
            made[key] = value.replace("#/$defs/", "#/$defs/over.")
        else:
            made[key] = value
    return made


def _nullable(json: Json) -> Json:
    said = {key: json[key] for key in ("description",) if key in json}
    rest = {key: value for key, value in json.items() if key != "description"}
    return {**said, **_or_null(_loose(rest))}


def _names_a_place(ref: str) -> bool:
    return ref.rpartition("/")[2] in _SHARED
