"""One self-contained HTML page of a segmented study."""

from fuzzyseg.report.page.page import report_html, write_report

__all__ = ["report_html", "write_report"]
