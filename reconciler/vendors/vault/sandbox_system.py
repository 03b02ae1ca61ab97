"""Password policies, audit devices and the server's own configuration in the sandbox."""

from __future__ import annotations

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.audit import CLOSED, SWITCH, options_of
from reconciler.vendors.vault.passwords import understood
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    done,
    joined,
    names,
    refused,
    told,
    truth,
    unsupported,
)

AUDIT = "sys/audit"
OUTSIDE = ("sys/audit", "sys/config/state")
"""What is there in the root namespace alone."""
DEVICES = {"file": "file_path", "socket": "address", "syslog": "", "http": "uri"}
"""The sorts of device, and the option that each can't do without."""


def password_policies(asked: Asked, rest: str) -> Response:
    """`sys/policies/password…`."""
    held = asked.held("sys/policies/password")
    name = rest.strip("/")
    if not name:
        if asked.op != "list":
            raise unsupported(asked)
        return names(asked, held)
    if name.endswith("/generate"):
        return _generated(asked, held.get(name.removesuffix("/generate"), {}).get("policy"))
    if asked.op == "read":
        if name not in held:
            raise joined(404, "policy does not exist")
        return told(asked, {"policy": held[name]["policy"]})
    if asked.op == "delete":
        held.pop(name, None)
        return done()
    if asked.op != "write":
        raise unsupported(asked)
    text = str(asked.body.get("policy") or "")
    if not text:
        raise joined(400, "missing policy")
    try:
        understood(text)
    except ValueError as error:
        bounds = "passwords must be between 4 and 100 characters"
        raise joined(400, bounds if "a password has" in str(error) else f"invalid password policy: {error}") from None
    held[name] = {"policy": text}
    return done()


def _generated(asked: Asked, text: str | None) -> Response:
    if asked.op != "read":
        raise unsupported(asked)
    if text is None:
        raise joined(404, "policy does not exist")
    length, charsets = understood(text)
    least = "".join(chars[:1] * number for chars, number in charsets)
    return told(asked, {"password": (least + charsets[0][0][:1] * length)[:length]})


def audit(asked: Asked, rest: str) -> Response:
    """`sys/audit…`: a list of all, devices made and taken away."""
    held = asked.held(AUDIT)
    path = rest.strip("/") + "/"
    if not rest.strip("/"):
        if asked.op != "read":
            raise unsupported(asked)
        return told(asked, {one: dict(body) for one, body in held.items()}, doubled=True)
    if asked.op == "delete":
        held.pop(path, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    if not asked.box.audit_by_api:
        raise refused(400, CLOSED)
    kind, options = str(asked.body.get("type") or ""), options_of(asked.body.get("options") or {})
    if any(path.startswith(one) or one.startswith(path) for one in held):
        raise refused(400, "path already in use")
    if kind not in DEVICES:
        raise refused(400, f'unknown backend type: "{kind}"')
    needed = DEVICES[kind]
    if needed and not options.get(needed):
        raise refused(400, f"{needed} is required")
    held[path] = {"description": str(asked.body.get("description") or ""), "local": truth(asked.body, "local"),
                  "options": {name: str(text) for name, text in options.items()}, "path": path, "type": kind}
    return done()


def sanitized(asked: Asked) -> Response:
    """`sys/config/state/sanitized`, as far as it matters here."""
    if asked.op != "read":
        raise unsupported(asked)
    return told(asked, {SWITCH: asked.box.audit_by_api}, doubled=True)
