"""What every command takes of a folder: `segment`, `batch`, `compare` and `info` ask one rule."""

import shutil
import zipfile
from datetime import UTC, datetime

import pytest

from fuzzyseg.batch import many
from fuzzyseg.batch.beside import with_ct_beside
from fuzzyseg.batch.many import Batch, run_batch
from fuzzyseg.batch.one import How, process
from fuzzyseg.batch.source import Source
from fuzzyseg.batch.studies import find_studies
from fuzzyseg.cli import segment
from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.io import (
    DicomPatient,
    DicomStudy,
    SpectAcquisition,
    catalogue,
    find_series,
    reading,
    write_ct_series,
    write_nm,
)
from fuzzyseg.jobs import Here
from fuzzyseg.segmentation.settings import Settings


@pytest.fixture(scope="module")
def mixed(toy_folder, tmp_path_factory):
    """A patient's folder with a SPECT and a CT both as NIfTI and as DICOM."""
    from toy_study import make_study

    toy = make_study()
    folder = tmp_path_factory.mktemp("mixed") / "patient"
    shutil.copytree(toy_folder, folder)
    moment = datetime(2024, 1, 2, tzinfo=UTC)
    who = {"patient": DicomPatient("DOE^JANE", "4711"), "study": DicomStudy("x", moment)}
    scan = SpectAcquisition(moment, 60, 15.0)
    (folder / "dicom").mkdir()
    write_nm(folder / "dicom" / "nm.dcm", toy.spect, acquisition=scan, **who)
    write_ct_series(folder / "dicom" / "ct", toy.ct, **who)
    return folder


def kinds(source):
    """Formats or modalities of the image and the CT that are taken."""
    found = {info.number: info.kind for info in find_series(source.image)}
    if source.image.is_file() and source.ct != source.image:
        return source.image.name, source.ct and source.ct.name
    return found[source.series or 1], source.ct and found[source.ct_series]


def archive_of(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("known", [{}, {"modality": "NM"}, {"series": 1}])
def test_dicom_comes_before_nifti(mixed, known):
    assert kinds(with_ct_beside(Source("a", mixed, **known))) == ("NM", "CT")


def test_files_named_as_a_pair_come_where_no_dicom_is(toy_folder):
    pair = ("spect.nii.gz", "ct.nii.gz")
    assert kinds(with_ct_beside(Source("a", toy_folder))) == pair
    assert kinds(with_ct_beside(Source("a", toy_folder, modality="NM"))) == pair
    for known in ({"series": 3}, {"modality": "CT"}):  # another choice of the user's
        source = Source("a", toy_folder, **known)
        assert with_ct_beside(source) == source


def test_a_ct_that_is_chosen_is_taken_alone(mixed):
    source = Source("a", mixed, series=2)
    assert with_ct_beside(source) == source


def test_an_archive_is_as_its_folder(mixed, tmp_path):
    path = archive_of(mixed, tmp_path / "a.zip")
    assert kinds(with_ct_beside(Source("a", path))) == ("NM", "CT")


@pytest.mark.parametrize(("zipped", "times"), [(False, 1), (True, 2)])
def test_a_study_is_looked_through_once_and_an_archive_once_more(
    zipped, times, mixed, tmp_path, monkeypatch
):
    looked, path = [], mixed
    original = catalogue.catalogue

    def counted(place, **options):
        looked.append(place)
        return original(place, **options)

    monkeypatch.setattr(catalogue, "catalogue", counted)
    monkeypatch.setattr(reading, "catalogue", counted)
    if zipped:
        path = archive_of(mixed, tmp_path / "a.zip")
    (tmp_path / "out").mkdir()
    how = How(Settings(method="kmeans", register=False, jobs=1))
    described, _ = process(with_ct_beside(Source("a", path)), tmp_path / "out", how)
    assert described["study"]["ct"]
    assert len(looked) == times


@pytest.mark.parametrize("option", [(), ("modality", "NM"), ("series", "1")])
def test_segment_and_batch_take_the_same(mixed, option, tmp_path, monkeypatch):
    taken = []

    def process(source, *_, **__):
        taken.append(source)
        raise InputError("expected no more, found it; stop")

    monkeypatch.setattr(many, "process", process)
    monkeypatch.setattr(segment, "process", process)
    listed = tmp_path / "list.csv"
    header, row = ("study,image", f"a,{mixed}")
    if option:
        header, row = f"{header},{option[0]}", f"{row},{option[1]}"
    listed.write_text(f"{header}\n{row}\n")
    run_batch(Batch(find_studies(listed), tmp_path / "out"), engine=Here())
    given = [f"--{option[0]}", option[1]] if option else []
    assert main(["segment", str(mixed), "-o", str(tmp_path / "a"), *given]) == 2
    assert taken[0] == taken[1]
    assert taken[0].ct == mixed
