import pytest
from drawn_study import PERSON, ct_of, drawn

from fuzzyseg.quantification import quantify
from fuzzyseg.report.page import report_html


@pytest.fixture(scope="session")
def segmentation():
    return drawn()


@pytest.fixture(scope="session")
def measured(segmentation):
    return quantify(segmentation, ct=ct_of(segmentation), measuring=PERSON)


@pytest.fixture(scope="session")
def page(segmentation, measured):
    return report_html(
        segmentation, measured, ct=ct_of(segmentation), described={"method": "drawn"}
    )
