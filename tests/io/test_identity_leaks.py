"""Nothing that names a patient reaches a result: every byte of every output is searched.

DICOM results are the exception that DICOM makes: they carry their source's patient and study.
"""

import gzip
import json
import shutil
import zlib

import numpy as np
import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main

# Planted in every place where names stand in practice.
PLANTED = ("MUSTERFRAU", "ERIKA", "19501224", "PID-4711-X", "KLINIKUM", "ZUWEISER", "OVERLORD")


def plant(dataset):
    dataset.PatientName = "MUSTERFRAU^ERIKA"
    dataset.PatientID = "PID-4711-X"
    dataset.PatientBirthDate = "19501224"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.5"
    dataset.InstitutionName = "KLINIKUM"
    dataset.ReferringPhysicianName = "ZUWEISER"
    dataset.StudyDescription = dataset.SeriesDescription = "OVERLORD MUSTERFRAU"
    dataset.ImageComments = dataset.ProtocolName = dataset.StationName = "OVERLORD"


@pytest.fixture
def study(tmp_path, make_series, make_nm):
    """A SPECT, a CT with a damaged last slice and a localizer, and a stray damaged file."""
    toy = make_study()
    folder = tmp_path / "MUSTERFRAU_ERIKA_19501224"
    counts = toy.spect.array[::2, ::2, ::2].transpose(2, 1, 0).astype(np.uint16)
    hu = np.full(counts.shape, -1000, np.int16)
    hu[counts > 1] = 40
    nm = folder / "MUSTERFRAU.dcm"
    rows = {"orientation": (1, 0, 0, 0, 1, 0), "origin": (-100.0, -120.0, 300.0)}

    def edit_nm(dataset):
        plant(dataset)
        dataset.PixelSpacing, dataset.SpacingBetweenSlices = [8.84, 8.84], 8.84

    def edit_ct(_, dataset):
        plant(dataset)

    def edit_localizer(_, dataset):
        plant(dataset)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    make_nm(nm, counts, edit=edit_nm)
    where = {**rows, "spacing": (8.84, 8.84), "step": (0, 0, 8.84)}
    slices = make_series(folder / "CT_MUSTERFRAU", hu, edit=edit_ct, series="1.2.3", **where)
    make_series(folder / "ERIKA", hu[:1], edit=edit_localizer, series="1.2.3", **where)
    whole = slices[-1].read_bytes()
    slices[-1].unlink()
    (folder / "CT_MUSTERFRAU" / "MUSTERFRAU_0099.dcm").write_bytes(whole[: len(whole) // 2])
    (folder / "KLINIKUM_7.dcm").write_bytes(b"no DICOM")
    return folder


def everything(path):
    """Bytes of a file, with what is compressed in it unpacked."""
    raw = path.read_bytes()
    found = [raw]
    if path.suffix == ".gz":
        found.append(gzip.decompress(raw))
    start = raw.find(b"zTXt")
    while start >= 0:  # PNG's compressed texts
        name, _, rest = raw[start + 4 : start + 4000].partition(b"\0")
        found += [name, zlib.decompressobj().decompress(rest[1:])]
        start = raw.find(b"zTXt", start + 4)
    return b"\0".join(found)


def test_no_output_names_the_patient(study, tmp_path, capfd):
    out = tmp_path / "out"
    arguments = ["segment", str(study), "--ct", str(study), "-o", str(out), "--method", "kmeans"]
    assert main(arguments) == 0
    compared = tmp_path / "compared"
    shutil.copytree(out, tmp_path / "later")
    assert main(["compare", str(out), str(tmp_path / "later"), "-o", str(compared)]) == 0
    said = capfd.readouterr()
    assert "Patient IDs" not in said.err  # DICOM results hold them, and they are the same
    texts = {path.name: everything(path) for path in (*out.iterdir(), *compared.iterdir())}
    for dicom in ("segmentation.dcm", "report.dcm", "lesions.dcm"):
        assert b"MUSTERFRAU^ERIKA" in texts.pop(dicom)
    assert b"localizer" in texts["run.json"]  # the warnings are there
    assert b"damaged" in texts["run.json"]
    texts |= {"stdout": said.out.encode(), "stderr": said.err.encode()}
    for name, text in texts.items():
        for planted in PLANTED:
            for spelling in (planted, planted.lower(), planted.title()):
                assert spelling.encode() not in text, f"{planted} stands in {name}"
                assert spelling.encode("utf-16-le") not in text, f"{planted} stands in {name}"


def test_a_patient_is_named_on_request_in_two_files_more(study, tmp_path):
    out = tmp_path / "out"
    arguments = ["segment", str(study), "-o", str(out), "--method", "kmeans"]
    assert main([*arguments, "--formats", "nifti", "--keep-identity"]) == 0
    named = {path.name for path in out.iterdir() if b"MUSTERFRAU^ERIKA" in everything(path)}
    assert named == {"run.json", "report.html"}
    told = json.loads((out / "run.json").read_text())["patient"]
    assert told == {"name": "MUSTERFRAU^ERIKA", "id": "PID-4711-X", "birth_date": "19501224"}


def test_the_search_finds_what_is_there(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"xx MUSTERFRAU"))
    assert b"MUSTERFRAU" in everything(tmp_path / "a.gz")
