import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io.results.formats import require_formats, write_results

from .conftest import labels_of, segmented


def test_a_format_that_nobody_knows(make_source, tmp_path):
    segmentation = segmented(make_source("nm"), labels_of(3))
    with pytest.raises(InputError, match="seg-nrrd"):
        write_results(tmp_path, segmentation, ["tiff"])
    with pytest.raises(InputError, match="seg-nrrd"):
        require_formats(["dicom-seg", "tiff"], segmentation.volume)


def test_what_is_optional_is_said_and_the_rest_written(make_source, tmp_path):
    def spoil(dataset):
        del dataset.StudyInstanceUID

    segmentation = segmented(make_source("nm", spoil), labels_of(3))
    out = tmp_path / "out"
    out.mkdir()
    (said,) = write_results(out, segmentation, ["nifti", "dicom-seg"], optional=True)
    assert "segmentation.dcm" in said
    assert {path.name for path in out.iterdir()} == {"labels.nii.gz", "memberships.nii.gz"}


def test_a_report_needs_measures(make_source, tmp_path):
    segmentation = segmented(make_source("nm"), labels_of(3))
    with pytest.raises(InputError, match="measurements"):
        write_results(tmp_path, segmentation, ["dicom-sr"])
