"""What a vendor is to the engine: kinds, their specs and marks, and the vendor as one value."""

from reconciler.contract.compare import covers, overlay
from reconciler.contract.kind import Ask, Kind, Replace, Scene, Singleton
from reconciler.contract.owner import described, from_description, from_metadata, metadata_of, without_marks
from reconciler.contract.permissions import Permissions
from reconciler.contract.rest import RestKind
from reconciler.contract.spec import Canonical, Keyed, Link, Mark, Named, Output, Shape, Spec, shape_of
from reconciler.contract.vendor import Env, Kinds, Placed, Settings, Vendor

__all__ = [
    "Ask", "Canonical", "Env", "Keyed", "Kind", "Kinds", "Link", "Mark", "Named", "Output", "Permissions", "Placed", "Replace",
    "RestKind", "Scene", "Settings", "Shape", "Singleton", "Spec", "Vendor", "covers", "described", "from_description",
    "from_metadata", "metadata_of", "overlay", "shape_of", "without_marks",
]
