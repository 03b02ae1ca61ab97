"""The reusable suite gets pytest's own assertion messages."""

import pytest

pytest.register_assert_rewrite("tests.ledger.suite")
