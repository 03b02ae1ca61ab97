"""The words of `lifecycle`, of reconciler.yaml and of a connection's settings, each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

LIFECYCLE: Mapping[str, str] = {
    "protect": "Refuses to delete the object, and to replace it where that destroys it. Remembered when the entry is gone.",
    "on_remove": "What happens to the object when its entry is removed; keep leaves it at the vendor.",
    "adopt": "Whether an object that is there already is taken over: when it equals the entry, with changes too, or never.",
    "id": "Binds the entry to exactly this object; none is ever created.",
    "manage": "false: the object is looked up and can be referred to, but is never written.",
    "formerly": "Names that the entry had before; it is renamed, not replaced. The natural key must then be given.",
    "seed": "Paths that are set when the object is created and belong to people from then on.",
    "ignore": "Paths that are left alone.",
    "deliver": "Hands a secret output to a sink, in memory: {OUTPUT: {to: vault, path: kv/api, key: token}}.",
    "rotate": "Any word, such as 2026-11; a changed one asks for a new secret.",
    "keep_old": "How long the old secret stays after a rotation, such as 7d.",
}

PROJECT: Mapping[str, str] = {
    "project": "The project's name; with the stack's it is what ownership marks carry.",
    "formerly": "Names that the project had before, so that its objects are still known as ours.",
    "requires": "The versions of reconciler that this project works with, such as >=0.1,<0.2.",
    "ledger": "Where it is remembered what is ours.",
    "store": "How the ledger is kept.",
    "key": "What seals marks and fingerprints, so that nobody else can write them.",
    "previous": "Older keys, under which what was sealed before is still understood.",
    "ephemeral": "Says that a ledger that is lost with a CI machine is meant, or is kept by other means.",
    "remote": "The remote whose ref keeps the ledger, by its name or address; origin where it is left out.",
    "url": "PostgreSQL's address, with its credentials, from where it is kept.",
    "bucket": "The bucket of S3 that keeps the ledger.",
    "region": "The bucket's region; S3's own settings decide where it is left out.",
    "endpoint": "The address of a store that speaks S3's protocol, where it is not S3 itself.",
    "vendors": "The connections: a vendor's own name, or a name of your own with `use`. Credentials and hosts stand here only.",
    "vars": "Variables for manifests, {var: NAME}; a value may come from the environment, {env: NAME}.",
    "secrets": "Secrets for manifests, {secret: NAME}, and where each is read from.",
    "env": "The environment variable that holds it.",
    "file": "The file, relative to the project.",
    "vault": "The path of it in the Vault of this stack; `key` says which of its values.",
    "op": "The reference that 1Password's `op read` takes: op://vault/item/field.",
    "sinks": "Programs that take a secret on their standard input, for `lifecycle: {deliver: …}`.",
    "command": "The program and its arguments; it is run without a shell.",
    "limits": "How much one run may remove or change before it stops.",
    "max_delete_percent": "The share of a vendor's entries that one run may delete, counted from ten deletes on.",
    "max_changes": "How many entries one run may change.",
    "outputs": "Files that `reconciler output` writes for the application.",
    "prefix": "What every name in the file begins with.",
    "allow": "Consents that were reviewed, by address: IMPACT:KIND/NAME.",
    "consent": "digest: this stack takes a saved plan or an approved digest only, never --auto-approve.",
    "stacks": "The stacks, each with its differences from all of the above.",
}

SETTINGS: Mapping[str, str] = {
    "use": "The vendor of this connection, where its own name does not say it.",
    "base_url": "Another address of the vendor's API.",
    "proxy": "The proxy to go through; those of the environment are not used.",
    "ca_bundle": "A file of certificates to trust instead of the usual ones.",
    "requests_per_second": "How many requests a second at most; the vendor's own limit where it is left out.",
    "connections": "How many requests at a time.",
    "timeout": "Seconds that one request may take.",
    "max_wait": "The longest wait in seconds that the vendor may ask for; a longer one ends the run, resumable.",
}
