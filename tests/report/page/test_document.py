import base64
import gzip
import html
import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from importlib import resources

import nibabel as nib
import numpy as np
import pytest
from drawn_study import BALLS, MM, PERSON, SHAPE, ct_of, drawn

from fuzzyseg.models.card import Intervals
from fuzzyseg.quantification import Measuring, quantify
from fuzzyseg.report.page import report_html, viewer
from fuzzyseg.report.page.mip_svg import mips
from fuzzyseg.report.page.oriented import oriented
from fuzzyseg.report.page.text import number
from fuzzyseg.report.page.whole_body import empty_margin, places_in_picture, whole_body
from fuzzyseg.segmentation import summary
from fuzzyseg.volume import Provenance


class Parsed(HTMLParser):
    """Attributes of every tag, and the data of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._in_script = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_data(self, data):
        if self._in_script:
            self.scripts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def parsed(page):
    return Parsed(page)


@pytest.fixture(scope="module")
def data(parsed):
    return json.loads(parsed.scripts[0])


def test_the_page_loads_nothing_from_elsewhere(parsed):
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            assert attributes.get(name, "data:").startswith("data:"), (tag, name)
    assert not parsed.all("link")
    (policy,) = [m["content"] for m in parsed.all("meta") if "http-equiv" in m]
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_a_row_a_lesion_with_the_figures_that_python_gives(page, measured):
    rows = re.findall(r'<tr tabindex="0" data-lesion="(\d+)".*?</tr>', page)
    assert [int(n) for n in rows] == [one.number for one in measured.lesions] == [1, 2, 3]
    for one in measured.lesions:
        row = re.search(rf'<tr tabindex="0" data-lesion="{one.number}".*?</tr>', page).group()
        values = [float(v) for v in re.findall(r'<td data-value="([^"]+)"', row)]
        assert values[0] == pytest.approx(one.volume_ml, rel=1e-4)
        assert values[1] == pytest.approx(one.suv_max, rel=1e-4)
        assert values[-1] == pytest.approx(300)  # HU


def test_the_viewer_gets_the_images_it_shows(data, segmentation):
    layers = {layer["name"]: layer for layer in data["viewer"]["layers"]}
    assert list(layers) == ["CT", "uptake", "bone", "lesion"]
    read = {
        name: nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(layer["data"])))
        for name, layer in layers.items()
    }
    for image in read.values():
        np.testing.assert_allclose(image.affine, segmentation.volume.affine)
    np.testing.assert_allclose(read["uptake"].get_fdata(), segmentation.volume.array, atol=10)
    np.testing.assert_allclose(read["lesion"].get_fdata(), segmentation.labels == 2, atol=1e-6)
    np.testing.assert_allclose(read["CT"].get_fdata(), ct_of(segmentation).array, atol=2)


def test_of_a_large_study_the_viewer_gets_every_second_voxel_of_a_slice(monkeypatch):
    study = drawn()
    voxels = study.volume.array.size
    thick = np.diag([1.0, 1.0, 3.0, 1.0]) @ study.volume.affine
    volume = replace(study.volume, affine=thick)
    study = replace(study, volume=volume)
    monkeypatch.setattr(viewer, "_MOST_VOXELS", voxels // 3)
    layers = {each["name"]: each for each in viewer.viewer_data(study, ct_of(study))["layers"]}
    lesion, hu = study.labels == 2, ct_of(study).array
    highest = np.maximum.reduce([lesion[a::2, b::2] for a in (0, 1) for b in (0, 1)])
    for name, expected in (("lesion", highest), ("CT", hu[::2, ::2])):
        packed = gzip.decompress(base64.b64decode(layers[name]["data"]))
        image = nib.Nifti1Image.from_bytes(packed)
        np.testing.assert_allclose(image.get_fdata(), expected, atol=2 if name == "CT" else 1e-6)
        assert np.allclose(image.affine @ [2, 3, 4, 1], thick @ [4, 6, 4, 1])
    monkeypatch.setattr(viewer, "_MOST_VOXELS", voxels // 16)
    assert viewer.viewer_data(study, None) is None


def test_the_slider_tells_the_curve_of_the_measures(data, measured):
    assert [c["volume_ml"] for c in data["curve"]] == [a.volume_ml for a in measured.curve]


def test_the_viewer_seeks_a_lesion_where_it_is(data):
    for lesion, (centre, _) in zip(data["lesions"], BALLS, strict=True):
        np.testing.assert_allclose(lesion["mm"], np.array(centre) * MM, atol=0.01)


def test_places_of_dicom_become_those_of_the_viewer(segmentation):
    turned = np.diag([-MM, -MM, MM, 1.0])
    study = drawn(affine=turned)
    volume = study.volume
    object.__setattr__(volume, "file_frame", "LPS")
    found = quantify(study, measuring=PERSON)
    data = json.loads(Parsed(report_html(study, found)).scripts[0])
    for lesion, (centre, _) in zip(data["lesions"], BALLS, strict=True):
        np.testing.assert_allclose(lesion["mm"], (turned @ [*centre, 1])[:3], atol=0.01)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_numbers_stand_at_their_lesions_patient_s_right_on_the_left(signs):
    affine = np.diag([*(MM * np.array(signs)), 1.0])
    study = drawn(affine=affine)
    found = quantify(study, measuring=PERSON)
    turned = oriented(study, None, found.labels)
    picture, mm = whole_body(turned)
    places = places_in_picture(turned, [1, 2, 3], mm)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 80)
    for n, ((i, _, k), radius) in zip((1, 2, 3), BALLS, strict=True):
        column, row = places[n]
        x = i if signs[0] > 0 else SHAPE[0] - 1 - i
        z = k if signs[2] > 0 else SHAPE[2] - 1 - k
        assert column == pytest.approx((SHAPE[0] - x - 0.5) * MM / mm)
        assert row == pytest.approx((SHAPE[2] - z - 0.5) * MM / mm)
        at = np.argwhere(red) - (row - 0.5, column - 0.5)
        near = np.linalg.norm(at, axis=1) * mm
        assert abs(near.min() - radius * MM) < 1.3 * MM  # the outline surrounds it


def card(page, title):
    """Value and unit of a card at the top, as text."""
    found = re.search(rf"<dt>{title}</dt><dd>(.*?)</dd><dd class=\"unit\">(.*?)</dd>", page)
    return tuple(re.sub("<[^>]+>", "", html.unescape(part)) for part in found.groups())


def test_the_largest_lesion_its_volume_and_suvmax_stand_at_the_top(page, measured):
    first = max(measured.lesions, key=lambda one: one.volume_ml)
    value, of_it = card(page, "Largest lesion")
    assert value == f"{first.volume_ml:.1f} mL"
    assert of_it == f"lesion {first.number}, SUVmax {first.suv_max:.1f}"
    highest = max(measured.lesions, key=lambda one: one.suv_max)
    assert card(page, "Highest SUVmax") == (f"{highest.suv_max:.1f}", f"lesion {highest.number}")


def test_corrected_figures_stand_beside_the_others_where_the_resolution_is_given(
    page, segmentation
):
    assert "Corrected" not in page.split("<script")[0]
    found = quantify(segmentation, measuring=replace(PERSON, resolution_mm=10.0))
    shown = report_html(segmentation, found).split("<script")[0]
    assert "Corrected<small>SUV mL</small>" in shown
    for one in found.lesions:
        assert f'data-value="{one.corrected_total_suv_ml:.6g}"' in shown
    total = found.patient.lesion_corrected_total_suv_ml
    assert card(shown, "Lesion uptake")[1] == f"SUV mL, corrected for blur {total:.0f}"


def test_without_a_weight_uptake_is_in_becquerel(segmentation):
    found = quantify(segmentation, measuring=Measuring(resolution_mm=10.0))
    shown = report_html(segmentation, found).split("<script")[0]
    first = found.lesions[0]
    assert "Uptake<small>kBq</small>" in shown
    assert f'data-value="{first.activity_bq / 1000:.6g}"' in shown
    assert f'data-value="{first.corrected_activity_bq / 1000:.6g}"' in shown
    assert card(shown, "Lesion uptake")[0] == number(found.patient.lesion_activity_bq / 1000, 0)


def test_intervals_stand_below_their_figures_and_say_how_often_they_held():
    law = (0.0, 0.0, 0.0, -1.0, 1.0)
    known = Intervals(2, 30, 0.9, None, law, law, 50, (0.88, 0.92))
    made = Provenance("model", {"card": {"name": "mine", "intervals": asdict(known)}})
    study = replace(drawn(), provenance=made)
    found = quantify(study, measuring=PERSON)
    shown = report_html(study, found).split("<script")[0]
    first = found.lesions[0]
    assert f"<small>{first.volume_low_ml:.1f}\u2013{first.volume_high_ml:.1f}</small>" in shown
    assert "true volume and uptake of 90% of lesions; of 50 lesions" in shown
    assert "they held 88% and 92%." in shown
    assert "Small figures" not in report_html(drawn(), quantify(drawn(), measuring=PERSON))


def test_why_columns_are_empty_is_said_once_below_the_table():
    study = drawn()
    counts = replace(study, volume=replace(study.volume, unit="arbitrary"))
    shown = report_html(counts, quantify(counts)).split("<script")[0]
    (why,) = re.findall(r'<p class="why">(.*?)</p>', shown)
    assert why.startswith("Not known: ")
    assert "Uptake: the image is in no known unit, not calibrated to Bq/mL." in why
    assert "Density: no CT was given." in why
    assert "Maximum<small>image units</small>" in shown
    assert "No SUV: the image is in no known unit" in shown  # a warning too


def test_a_lesion_that_the_field_cuts_is_told_at_the_top_and_in_its_row():
    study = drawn(balls=(((1, 12, 30), 3.0),))
    shown = report_html(study, quantify(study, measuring=PERSON)).split("<script")[0]
    (told,) = re.findall(r'<ul class="warnings".*?</ul>', shown)
    assert "Lesion 1 reaches the border of the field" in told
    assert '<abbr title="reaches the border of the field">cut</abbr>' in shown


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Provenance("rfcm"), "by the method rfcm,"),
        (
            Provenance("model", {"model": "/home/anna/x", "card": {"name": "mine"}}),
            "by the model mine,",
        ),
    ],
)
def test_who_segmented_is_named_without_a_path(made, said):
    study = replace(drawn(), provenance=made)
    page = report_html(study, quantify(study, measuring=PERSON))
    assert said in page
    assert "anna" not in page


def test_what_is_known_of_the_model_s_mistakes_stands_below_the_lesions():
    scores = {
        "note": "mean and interval",
        "same": {
            "lesions_found": [0.54, 0.5, 0.6],
            "false_pieces": [3.75, 2, 5],
            "listed_ml": {"below 1 mL": [1, 5], "of 1 to 3 mL": [0, 0], "<b> mL": [18, 19]},
        },
        "other": {
            "lesions_found": [0.34, 0.3, 0.4],
            "false_pieces": [1.25, 1, 2],
            "listed_ml": {"below 1 mL": [2, 5], "<b> mL": [1, 1], "all": ["a", 2], "less": [-3, 5]},
        },
        "none": {"lesions_found": [None, None, None], "false_pieces": [4.1, 2, 6]},
        "mine": {"lesions_found": 0.99, "false_pieces": ["many"]},
        "empty": {"lesions_found": [], "false_pieces": None},
    }
    made = Provenance("model", {"card": {"name": "mine", "metrics": scores}})
    study = replace(drawn(), provenance=made)
    page = report_html(study, quantify(study, measuring=PERSON))
    assert "found 34% to 54% of all lesions and marked 1.2 to 4.1 places a patient" in page
    assert (
        "in them, 30% of those below 1 mL and 95% of those &lt;b&gt; mL touched a lesion." in page
    )
    assert "of all lesions and marked" not in report_html(drawn(), quantify(drawn()))


def test_only_few_lesions_are_printed_with_pictures():
    places = [(x, 12, z) for x in range(4, 38, 4) for z in range(5, 45, 5)]
    study = drawn(balls=[(place, 1.0) for place in places])
    shown = report_html(study, quantify(study, measuring=PERSON))
    assert 'class="many"' in shown
    assert 'class="few"' in report_html(drawn(), quantify(drawn(), measuring=PERSON))


def test_empty_sides_of_the_body_are_left_out_but_for_numbers():
    picture = np.full((10, 200, 3), 255, np.uint8)
    picture[:, 90:120] = 0
    assert empty_margin(picture) == 200 - 120 - 44
    assert empty_margin(np.full((4, 9, 3), 255, np.uint8)) == 0
    assert 'viewBox="20 0 160 10"' in mips("data:,", picture.shape, {}, 20)


def test_no_lesion_is_said_calmly():
    study = drawn(balls=())
    page = report_html(study, quantify(study, measuring=PERSON))
    assert "No lesion was found" in page
    assert card(page, "Lesions") == ("0", "")
    assert card(page, "Largest lesion") == ("–", "")
    assert "nan" not in page.split("<script")[0].lower()


def test_what_is_unknown_is_a_dash_that_says_why(segmentation):
    page = report_html(segmentation, quantify(segmentation))  # no weight, no activity
    assert re.search(r'class="none" title="[^"]+"', page)
    assert "Bq/mL" in page
    assert number(None, 1, "no <weight>").count("&lt;weight&gt;") == 2
    assert number(12345.6, 1) == "12\u2009346"


def test_no_mark_of_a_patient_or_path_is_in_it(measured):
    study = drawn()
    volume = study.volume
    object.__setattr__(volume, "source", "/archive/DOE^JANE/4711^1")
    page = report_html(study, measured, described=summary(study))
    assert "DOE^JANE" not in page
    assert "4711^1" not in page


def test_text_of_others_is_text(measured):
    study = drawn(warnings=['<script>alert("x")</script>'])
    page = report_html(study, measured, described={"a": "</script><b>"})
    assert '<script>alert("x")' not in page
    assert "</script><b>" not in page


def test_the_viewer_s_licence_lies_beside_it():
    assets = resources.files("fuzzyseg.report.page") / "assets"
    assert "BSD 2-Clause" in (assets / "niivue.LICENSE.txt").read_text("utf-8")
