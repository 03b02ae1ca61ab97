"""Amounts in a currency's smallest unit, said as people say them: 2900 of usd is 29.00 USD."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from reconciler.model import Action

_AMOUNT = re.compile(r"(?:\A|_)amount(?:_off)?(?:_decimal)?\Z")
_GROUP = re.compile(r"(?:\A|_)amount\Z")
_PART = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_CODE = re.compile(r"[A-Za-z]{3}\Z")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")

_NO_DECIMALS = frozenset((
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"))
_THREE_DECIMALS = frozenset(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"))

Currencies = tuple[str, str]
"""The currency of the old value and that of the new one."""


def currencies(action: Action) -> dict[str, Currencies]:
    """The changes of an action that are money, by path; money is an amount whose entry says its currency."""
    fields = action.want.fields if action.want is not None else {}
    live = action.live.fields if action.live is not None else {}
    old = next((change.before for change in action.changes if change.path == "currency"), None)
    found = {}
    for change in action.changes:
        if change.secret or not _is_amount(change.path) or not all(map(_numeric, (change.before, change.after))):
            continue
        code = _currency(change.path, fields) or _currency(change.path, live)
        if code is not None:
            found[change.path] = (old if isinstance(old, str) and _CODE.match(old) else code, code)
    return found


def said(before: Any, after: Any, codes: Currencies) -> str:
    """Old and new amount, and the change in percent: `29.00 -> 35.00 USD, +20.7%`."""
    old, new = _amount(before, codes[0]), _amount(after, codes[1])
    if old is None or new is None:
        here, code = (new, codes[1]) if new is not None else (old, codes[0])
        return f"{here} {code.upper()}" if here is not None else ""
    if codes[0].lower() != codes[1].lower():
        return f"{old} {codes[0].upper()} -> {new} {codes[1].upper()}"
    return f"{old} -> {new} {codes[1].upper()}{_percent(Decimal(str(before)), Decimal(str(after)))}"


def grows(action: Action) -> Decimal | None:
    """By how many percent the amount of an action changes, of several the one that changes most; None without an old one."""
    codes = currencies(action)
    found = []
    for change in action.changes:
        if change.path in codes and codes[change.path][0].lower() == codes[change.path][1].lower():
            before, after = _decimal(change.before), _decimal(change.after)
            if before is not None and after is not None and before > 0:
                found.append((after - before) / before * 100)
    return max(found, key=abs, default=None)


def _decimal(value: Any) -> Decimal | None:
    found = Decimal(str(value)) if value is not None else None
    return found if found is not None and found.is_finite() else None


def _amount(value: Any, code: str) -> str | None:
    if value is None:
        return None
    places = 0 if code.lower() in _NO_DECIMALS else 3 if code.lower() in _THREE_DECIMALS else 2
    try:
        whole = Decimal(str(value)).scaleb(-places).normalize()
    except InvalidOperation:
        return None
    exponent = whole.as_tuple().exponent
    return f"{whole:,.{max(places, -exponent if isinstance(exponent, int) else 0)}f}"


def _percent(before: Decimal, after: Decimal) -> str:
    if before <= 0:
        return ""
    change = (after - before) / before * 100
    return f", {percent(change)}" if change else ""


def percent(change: Decimal) -> str:
    """A change with its sign, one place from ten on and two below: `+20.7%`, `-9.09%`."""
    text = f"{change:+,.{1 if abs(change) >= 10 else 2}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}%" if text not in ("+0", "-0") else f"{'+' if change > 0 else '-'}under 0.01%" if change else "0%"


def _is_amount(path: str) -> bool:
    names = [hit[2] for hit in _PART.finditer(path) if hit[2]]
    return bool(names) and (_AMOUNT.search(names[-1]) is not None or any(_GROUP.search(name) for name in names[:-1]))


def _numeric(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.match(value) is not None
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _currency(path: str, fields: Mapping[str, Any]) -> str | None:
    """Who says it: a field of the same name with `_currency`, a key of currency_options, or the nearest `currency`."""
    found = fields.get(f"{path}_currency")
    names = [hit[2] or hit[1] for hit in _PART.finditer(path)]
    here: Any = fields
    for n, name in enumerate(names):
        if name == "currency_options" and n + 1 < len(names):
            found = names[n + 1]
            break
        if not isinstance(here, Mapping):
            break
        found = here.get("currency", found)
        if n + 1 == len(names):
            found = here.get(f"{name}_currency", found)
        here = here.get(name)
    return found if isinstance(found, str) and _CODE.match(found) else None
