"""The same patient on two days: aligned, lesions matched, and what of them has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.follow_up.comparison import Comparison, compare
    from fuzzyseg.follow_up.comparison_document import changes_csv, document
    from fuzzyseg.follow_up.comparison_page import comparison_html
    from fuzzyseg.follow_up.day import Day, is_results, read_day

__all__ = [
    "Comparison",
    "Day",
    "changes_csv",
    "compare",
    "comparison_html",
    "document",
    "is_results",
    "read_day",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Comparison": "comparison",
        "Day": "day",
        "changes_csv": "comparison_document",
        "compare": "comparison",
        "comparison_html": "comparison_page",
        "document": "comparison_document",
        "is_results": "day",
        "read_day": "day",
    },
)
