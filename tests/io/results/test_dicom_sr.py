"""Reports of lesions, read by pydicom and dcmqi, and judged by dciodvfy."""

import json

import numpy as np
import pydicom
import pytest

from fuzzyseg.errors import InputError, SourceError
from fuzzyseg.io.results.dicom_sr import write_dicom_sr
from fuzzyseg.io.results.measures import LesionMeasures, MeasuredLesions, measures
from fuzzyseg.io.results.terms import SITES
from fuzzyseg.quantification import Measuring, measures_of, quantify, site
from fuzzyseg.volume import Provenance

from .conftest import dciodvfy_errors, places_lps, run_tool, same_places, segmented

MADE = Provenance("model", versions={"fuzzyseg": "1.2.3"})
LESIONS = (
    LesionMeasures(
        1, {"volume_ml": 2.5, "suv_max": 21.25, "suv_mean": None, "to_bone": 4.0}, "lumbar spine"
    ),
    LesionMeasures(2, {"volume_ml": 0.09, "image_max": 1500.0, "hu_mean": -3.5, "nonsense": 1.0}),
)


def lesion_map():
    lesions = np.zeros((9, 7, 5), np.int32)
    lesions[1:4, 2:4, 1:3] = 1
    lesions[6, 5, 4] = 2
    return lesions


def write(folder, volume, lesions=LESIONS, numbers=None, **more):
    measured = MeasuredLesions(lesion_map() if numbers is None else numbers, lesions, **more)
    return write_measured(folder, volume, measured)


def write_measured(folder, volume, measured):
    write_dicom_sr(folder / "sr.dcm", folder / "seg.dcm", measured, volume, MADE)
    return pydicom.dcmread(folder / "sr.dcm"), pydicom.dcmread(folder / "seg.dcm")


def concept(item):
    return item.ConceptNameCodeSequence[0].CodeMeaning


def groups(report):
    (measured,) = (
        item for item in report.ContentSequence if concept(item) == "Imaging Measurements"
    )
    return list(measured.ContentSequence)


def numbers_of(group):
    """Name, derivation, value and unit of each number in a group of measures."""
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            how = [
                inner.ConceptCodeSequence[0].CodeMeaning
                for inner in item.get("ContentSequence", [])
            ]
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            yield concept(item), *how, float(value.NumericValue), unit


@pytest.mark.parametrize("kind", ["nm", "nm-headfirst", "pt-flipped"])
def test_each_lesion_has_its_numbers_and_its_segment(kind, make_source, tmp_path):
    volume = make_source(kind)
    report, seg = write(tmp_path, volume)
    first, second = groups(report)
    assert list(numbers_of(first)) == [
        ("Volume", 2.5, "ml"),
        ("SUVbw", "Maximum", 21.25, "g/ml{SUVbw}"),
        ("Lesion to healthy bone ratio", 4.0, "{ratio}"),
    ]
    unit = "Bq/ml" if volume.unit == "Bq/mL" else "{counts}"
    assert list(numbers_of(second)) == [
        ("Volume", 0.09, "ml"),
        ("Nuclear Medicine Tomographic Activity", "Maximum", 1500.0, unit),
        ("Mean Attenuation Coefficient", -3.5, "[hnsf'U]"),
    ]
    for number, group in enumerate((first, second), start=1):
        (referred,) = (i for i in group.ContentSequence if concept(i) == "Referenced Segment")
        image = referred.ReferencedSOPSequence[0]
        assert image.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        assert image.ReferencedSegmentNumber == number
        described = seg.SegmentSequence[number - 1]
        (uid,) = (
            i.UID for i in group.ContentSequence if concept(i) == "Tracking Unique Identifier"
        )
        assert described.TrackingUID == uid
        assert described.SegmentLabel == f"lesion {number}"
    assert report.PatientID == "P-17"
    referred = {
        image.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for image in series.ReferencedSOPSequence
    }
    assert referred == {seg.SOPInstanceUID} | {h.SOPInstanceUID for h in volume.headers}


def test_segments_lie_where_the_lesions_do(make_source, tmp_path):
    import SimpleITK

    volume = make_source("nm-oblique")
    write(tmp_path, volume)
    arguments = ("--inputDICOM", tmp_path / "seg.dcm", "--outputDirectory", tmp_path)
    assert run_tool("segimage2itkimage", *arguments, "--prefix", "q", "-t", "nrrd").returncode == 0
    for number in (1, 2):
        image = SimpleITK.ReadImage(str(tmp_path / f"q-{number}.nrrd"))
        inside = np.argwhere(SimpleITK.GetArrayFromImage(image).T)
        found = [image.TransformIndexToPhysicalPoint(tuple(map(int, at))) for at in inside]
        assert same_places(np.array(found), places_lps(volume, lesion_map() == number))


def sites_of(group):
    (item,) = (i for i in group.ContentSequence if concept(i) == "Finding Site")
    return item.ConceptCodeSequence[0]


def test_each_lesion_has_its_site(make_source, tmp_path):
    report, _ = write(tmp_path, make_source("nm"))
    found = [sites_of(group) for group in groups(report)]
    assert [(c.CodeValue, c.CodingSchemeDesignator) for c in found] == [
        ("122496007", "SCT"),  # lumbar spine
        ("272673000", "SCT"),  # bone, where nothing finer is known
    ]
    with pytest.raises(InputError, match="lumbar spine"):
        write(tmp_path, make_source("nm"), (LesionMeasures(1, {}, "nose"), LESIONS[1]))


def test_every_site_has_a_code_of_snomed():
    from pydicom.sr._concepts_dict import concepts

    assert set(SITES) == set(site.SITES)
    known = {
        (value, meaning)
        for entry in concepts["SCT"].values()
        for value, (meaning, _) in entry.items()
    }
    assert set(SITES.values()) <= known


def test_dcmqi_reads_the_report(make_source, tmp_path):
    write(tmp_path, make_source("nm"))
    arguments = ("--inputDICOM", tmp_path / "sr.dcm", "--outputMetadata", tmp_path / "sr.json")
    done = run_tool("tid1500reader", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    assert [group["TrackingIdentifier"] for group in found] == ["lesion 1", "lesion 2"]
    assert [group["FindingSite"]["CodeMeaning"] for group in found] == ["Lumbar spine", "Bone"]
    values = [float(item["value"]) for item in found[0]["measurementItems"]]
    assert values == [2.5, 21.25, 4.0]


def test_dciodvfy_finds_no_error(make_source, tmp_path):
    write(tmp_path, make_source("nm"))
    assert dciodvfy_errors(tmp_path / "sr.dcm") == []
    assert dciodvfy_errors(tmp_path / "seg.dcm") == []


def test_suv_says_what_it_is_normalised_by(make_source, tmp_path):
    report, _ = write(tmp_path, make_source("nm"), suv="bsa")
    names = [(name[0], name[-1]) for name in numbers_of(groups(report)[0])]
    assert ("SUVbsa", "cm2/ml{SUVbsa}") in names
    with pytest.raises(InputError, match="bsa"):
        measures("counts", "height")


def test_codes_of_dicom_and_snomed_are_those_of_pydicoms_dictionary():
    from pydicom.sr._concepts_dict import concepts

    for measure in measures("Bq/mL").values():
        for value, scheme, meaning in filter(None, (measure.name, measure.derivation)):
            if scheme in ("DCM", "SCT"):
                known = {
                    m
                    for entry in concepts[scheme].values()
                    for c, (m, _) in entry.items()
                    if c == value
                }
                assert meaning in known


def test_what_quantification_measures_goes_in_by_its_names(make_source, tmp_path):
    volume = make_source("nm")
    labels = np.where(lesion_map() == 1, 2, 0).astype(np.uint8)
    measured = quantify(segmented(volume, labels), measuring=Measuring(min_ml=0))
    report, _ = write_measured(tmp_path, volume, measures_of(measured))
    (group,) = groups(report)
    found = {
        (name, how): value for name, *how, value, _ in numbers_of(group) for how in how or [""]
    }
    assert found["Volume", ""] == pytest.approx(12 * volume.voxel_volume_ml)
    inside = volume.array[labels == 2]
    name = "Nuclear Medicine Tomographic Activity"
    assert found[name, "Maximum"] == pytest.approx(inside.max())
    assert found[name, "Mean"] == pytest.approx(inside.mean())


class TestBadInput:
    def test_numbers_that_are_not_those_of_the_map(self, make_source, tmp_path):
        volume = make_source("nm")
        for lesions, numbers in (
            (LESIONS[:1], None),
            (LESIONS[::-1], None),
            ((), np.zeros(volume.shape, np.int32)),
            (LESIONS, lesion_map()[:5]),
        ):
            with pytest.raises(InputError, match="numbered"):
                write(tmp_path, volume, lesions, numbers)

    def test_a_source_without_its_study(self, make_source, tmp_path):
        volume = make_source("nm")
        del volume.headers[0].StudyInstanceUID
        with pytest.raises(SourceError, match="StudyInstanceUID"):
            write(tmp_path, volume)
        assert not (tmp_path / "seg.dcm").exists()
