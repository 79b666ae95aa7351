"""The version that every batch carries as part of its provenance."""

__version__ = "0.2.0"
