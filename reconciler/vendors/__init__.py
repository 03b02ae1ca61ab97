"""One folder a vendor; nothing here is imported before a manifest or the ledger names it."""
