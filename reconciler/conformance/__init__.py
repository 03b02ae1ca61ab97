"""The suite that every kind passes, made from data: a vendor's author writes one YAML file a kind."""

from reconciler.conformance.case import Case, read, read_all
from reconciler.conformance.coverage import Row, coverage, gaps, tried
from reconciler.conformance.place import Exchange, Place, in_sandbox
from reconciler.conformance.stack import Failed
from reconciler.conformance.trials import Trial, together, trials

__all__ = [
    "Case", "Exchange", "Failed", "Place", "Row", "Trial", "coverage", "gaps", "in_sandbox", "read", "read_all", "together",
    "trials", "tried",
]
