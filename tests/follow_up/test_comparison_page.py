import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.follow_up.change import percent
from fuzzyseg.follow_up.comparison_page import comparison_html
from fuzzyseg.follow_up.one_grid import alignment_picture, on_one_grid
from fuzzyseg.follow_up.patient_totals import totals_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def page(compared):
    return comparison_html(compared)


@pytest.fixture(scope="module")
def shown(compared):
    return on_one_grid(compared)


def test_the_page_loads_nothing_from_elsewhere(page):
    for source in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert source.startswith("data:")
    assert "default-src 'none'" in page
    assert "http:" not in page.replace("http-equiv", "")


def test_a_row_a_lesion_with_both_days_and_the_change(page, compared):
    rows = re.findall(r'<tr tabindex="0" data-lesion="(\d+)".*?</tr>', page)
    assert [int(n) for n in rows] == [each.number for each in compared.changes]
    for each in compared.changes:
        row = re.search(rf'<tr tabindex="0" data-lesion="{each.number}".*?</tr>', page).group()
        assert each.told in row
        values = re.findall(r'<td[^>]* data-value="([^"]*)"', row)
        changed = percent(each.volume_ml)
        assert values[2] == ("" if changed is None else f"{changed:.6g}")
        assert row.count("<img") == 2
        cells = re.findall(r'<td class="(beyond|within)"', row)
        known = ((each.volume_ml, each.volume_limit), (each.peak, each.peak_limit))
        assert cells == [*("beyond" if beyond(*both) else "within" for both in known), "within"]
    assert {'<td class="beyond"', '<td class="within"'} <= set(re.findall(r'<td class="\w+"', page))


def beyond(values, limit):
    before, after = values
    return None not in (before, after, limit) and abs(np.log(after / before)) > np.log(limit)


def test_sums_say_whether_they_changed_beyond_repeatability(page, compared):
    told = re.findall(r", (within|beyond) repeatability", page)
    sums = [each for each in totals_of(compared) if each.limit is not None]
    assert told == ["beyond" if beyond(each.values, each.limit) else "within" for each in sums]


def test_four_pictures_of_the_body_number_the_same_lesions_alike(page, compared):
    figures = re.findall(r"<figure><svg.*?</figure>", page, re.S)
    captions = [re.search(r"<figcaption>(.*?)<", f).group(1) for f in figures]
    assert captions == [
        "Baseline, anterior", "Follow-up, anterior", "Baseline, posterior", "Follow-up, posterior",
    ]  # fmt: skip
    for figure, name in zip(figures, ("baseline", "follow_up") * 2, strict=True):
        marked = {int(n) for n in re.findall(r'data-lesion="(\d+)"', figure)}
        assert marked == {each.number for each in compared.changes if getattr(each, name)}


def test_on_one_grid_the_bodies_lie_on_each_other(shown, compared, days):
    before, after = shown.baseline, shown.follow_up
    assert before.image.shape == after.image.shape
    assert all(np.array(before.image.shape) >= days[0].spect.shape)
    bones = [each.ct > 200 for each in (before, after)]
    both = 2 * (bones[0] & bones[1]).sum() / (bones[0].sum() + bones[1].sum())
    assert both > 0.75
    assert before.window == after.window
    same = next(each for each in compared.changes if each.told.startswith("unchanged"))
    centres = [np.argwhere(each.lesions == same.number).mean(axis=0) for each in (before, after)]
    assert np.linalg.norm(centres[0] - centres[1]) * 6 < 6


def test_what_lies_on_each_other_is_white(shown):
    picture = alignment_picture(shown, "CT").astype(int)
    bright = picture.max(axis=2) > 150
    grey = np.abs(picture[..., 0] - picture[..., 2]) < 60
    assert grey[bright].mean() > 0.7
    apart = replace(shown, follow_up=replace(shown.follow_up, ct=shown.follow_up.ct[::-1] * 0))
    alone = alignment_picture(apart, "CT").astype(int)
    assert alone[..., 0].max() > 200 > alone[..., 2].max()


def test_text_of_others_is_text(compared):
    page = comparison_html(replace(compared, notes=("<script>alert(1)</script>",)))
    assert "<script>alert" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's chromium)")
def test_in_a_browser_headings_sort_and_a_row_shows_both_days(page, compared, tmp_path):
    script = """<script>
    const numbers = () => [...document.querySelectorAll("tbody tr")].map((r) => r.dataset.lesion);
    const found = { start: numbers() };
    document.querySelectorAll("thead button")[3].click();
    found.falling = numbers();
    document.querySelector('tr[data-lesion="2"]').click();
    found.chosen = document.getElementById("chosen-number").textContent;
    found.large = [...document.querySelectorAll("#chosen img")].map((i) => i.naturalWidth);
    found.marks = document.querySelectorAll(".mark.chosen").length;
    found.loaded = performance.getEntriesByType("resource").map((r) => r.name);
    document.title = JSON.stringify(found);
    </script>"""
    body, end = page.rsplit("</body>", 1)
    path = tmp_path / "page.html"
    path.write_text(f"{body}{script}</body>{end}", encoding="utf-8")
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=5000", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    found = json.loads(re.search(r"<title>(.*?)</title>", dom).group(1).replace("&quot;", '"'))
    assert found["start"] == [str(each.number) for each in compared.changes]
    changed = {str(e.number): percent(e.volume_ml) for e in compared.changes}
    known = [n for n in found["falling"] if changed[n] is not None]
    assert found["falling"][: len(known)] == sorted(known, key=lambda n: -changed[n])
    assert found["chosen"] == "2"
    assert len(found["large"]) == 2
    assert found["marks"] in {2, 4}
    assert [name for name in found["loaded"] if not name.startswith("data:")] == []
