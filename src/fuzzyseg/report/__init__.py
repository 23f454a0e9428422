"""Pictures of results."""

from fuzzyseg.report.preview import preview_figure, write_preview

__all__ = ["preview_figure", "write_preview"]
