"""The same shop as the commands' tests have."""

from tests.cli.conftest import shop, stripe

__all__ = ["shop", "stripe"]
