"""One self-contained HTML page of a segmented study."""

from fuzzyseg.report.page.document import report_html, write_report

__all__ = ["report_html", "write_report"]
