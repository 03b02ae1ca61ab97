"""Manifests: files read with the place of everything, checked whole, and written back."""

from reconciler.manifest.entries import Catalogue
from reconciler.manifest.load import MANIFESTS, Loaded, load

__all__ = ["MANIFESTS", "Catalogue", "Loaded", "load"]
