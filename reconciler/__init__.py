"""Integration-as-code: YAML manifests in, the vendors' live configuration out."""

__version__ = "0.1.0"
