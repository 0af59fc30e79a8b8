"""Runs torchtune's attention layers and records them as attest's case files. The only place that imports torch."""

EXPORTER_VERSION = "1"
