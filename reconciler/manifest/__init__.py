"""Manifests: files read with the place of everything, checked whole, and written back."""

from reconciler.manifest.entries import Catalogue, files
from reconciler.manifest.load import MANIFESTS, OVERLAYS, Loaded, load

__all__ = ["MANIFESTS", "OVERLAYS", "Catalogue", "Loaded", "files", "load"]
