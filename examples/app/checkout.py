"""An application's side: it knows its price by the name in the manifests, and the vendor's id from a generated file."""

from __future__ import annotations

import sys
from pathlib import Path


def ids(generated: Path) -> dict[str, str]:
    """The names and values of a dotenv file."""
    lines = generated.read_text("utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip("'\"") for name, value in pairs}


def price(generated: Path, name: str) -> str:
    """The id of a price, to be put into a checkout session."""
    return ids(generated)[f"SHOP_STRIPE_PRICE_{name.upper()}_ID"]


if __name__ == "__main__":
    print(price(Path(sys.argv[1]), sys.argv[2]))
