"""DNS records as Resend lists them, with the whole name of each: what is relative there depends on who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]


def zoned(body: Mapping[str, Any]) -> list[Body]:
    """The records of a domain, each with `host`, its whole name."""
    return [{**one, "host": host(str(one.get("name") or ""), str(body.get("name") or ""))}
            for one in body.get("records") or ()]


def host(name: str, domain: str) -> str:
    """The whole name of a record.

    Resend gives names relative to the zone that a registrar holds: `send.mail` of the domain `mail.example.com`. Every
    record lies at or below its domain, so the labels that both have in common tell where the zone begins.
    """
    name, domain = name.strip(".").lower(), domain.strip(".").lower()
    if name in ("", "@") or name == domain or name.endswith(f".{domain}"):
        return name if name not in ("", "@") else domain
    labels, above = name.split("."), domain.split(".")
    for shared in range(min(len(labels), len(above)), 0, -1):
        if labels[-shared:] == above[:shared]:
            return ".".join([*labels, *above[shared:]])
    return f"{name}.{domain}"


def return_path(body: Mapping[str, Any]) -> str:
    """The label of the return path, as the record of its mail server names it; empty where none is shown."""
    domain = str(body.get("name") or "").lower()
    for one in zoned(body):
        if one.get("record") == "SPF" and one.get("type") == "MX":
            return str(one["host"]).removesuffix(f".{domain}")
    return ""


def shown(record: Mapping[str, Any]) -> str:
    """One record in a few words."""
    return f"{record.get('type')} {record.get('host') or record.get('name')}"
