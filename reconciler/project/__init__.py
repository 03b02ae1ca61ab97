"""reconciler.yaml: the project, its stacks, vendor settings, ledger, variables, secrets and limits."""

from reconciler.project.model import Config, Limits, OutputFile, SinkCommand, Source
from reconciler.project.read import CONFIG, Project, Stack, config_bytes, names, read

__all__ = ["CONFIG", "Config", "Limits", "OutputFile", "Project", "SinkCommand", "Source", "Stack", "config_bytes", "names",
           "read"]
