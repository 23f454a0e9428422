"""Pictures of results."""

from fuzzyseg.report.preview import write_preview

__all__ = ["write_preview"]
