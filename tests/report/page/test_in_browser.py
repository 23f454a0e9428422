"""The page in a real browser, without a network."""

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's chromium)")

EARLY = """<script>
window.heard = [];
window.addEventListener("error", (e) => heard.push(String(e.message)));
window.addEventListener("securitypolicyviolation", (e) => heard.push("refused " + e.blockedURI));
const toldError = console.error;
console.error = (...all) => { heard.push(all.map(String).join(" ")); toldError(...all); };
</script>"""
LATE = """<script>
(async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let k = 0; k < 200 && !document.documentElement.dataset.ready; k++) await wait(50);
  const numbers = () => [...document.querySelectorAll("tbody tr")].map((r) => r.dataset.lesion);
  const found = { at: {}, volume: {}, red: {} };
  found.ready = document.documentElement.dataset.ready === "true";
  for (const n of numbers()) {
    document.querySelector(`tr[data-lesion="${n}"]`).click();
    found.at[n] = window.fuzzysegViewer?.where();
  }
  found.chosen = document.getElementById("chosen-number").textContent;
  const volume = document.querySelectorAll("thead button")[1];
  found.before = numbers();
  volume.click(); found.falling = numbers();
  volume.click(); found.rising = numbers();
  const slider = document.getElementById("threshold");
  for (const k of [0, 9, 18]) {
    slider.value = String(k);
    slider.dispatchEvent(new Event("input"));
    found.volume[k] = Number(document.getElementById("threshold-told").dataset.volumeMl);
  }
  const reds = () => {
    const canvas = document.getElementById("mip");
    if (!canvas.width || document.getElementById("turning").hidden) return null;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let n = 0;
    for (let i = 0; i < data.length; i += 4) n += data[i] === 196 && data[i + 1] < 90;
    return n;
  };
  const turn = document.getElementById("turn");
  for (const angle of [0, 90, 180]) {
    turn.value = String(angle);
    turn.dispatchEvent(new Event("input"));
    found.red[angle] = reds();
  }
  found.stops = [...document.querySelectorAll("tbody tr")].filter((r) => r.tabIndex === 0).length;
  const key = (row, name) =>
    row.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  document.querySelector("tbody tr").focus();
  key(document.activeElement, "End");
  key(document.activeElement, "Enter");
  found.byKey = document.getElementById("chosen-number").textContent;
  found.hidden = document.getElementById("viewer").hidden;
  found.loaded = performance.getEntriesByType("resource").map((r) => r.name);
  found.heard = heard;
  const told = document.createElement("script");
  told.type = "application/json"; told.id = "found";
  told.textContent = JSON.stringify(found);
  document.body.append(told);
})();
</script>"""


def browse(folder, page, *options):
    """What the script above found, with the page open in a browser."""
    head, rest = page.split("<title>", 1)
    body, end = rest.rsplit("</body>", 1)  # the viewer's code holds this tag, too
    text = f"{head}{EARLY}<title>{body}{LATE}</body>{end}"
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=30000", "--dump-dom", *options, path.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    found = shown.rsplit('id="found">', 1)[1].split("</script>")[0]
    return json.loads(found)


GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def test_rows_sorting_slider_projection_and_no_word_to_anybody(
    tmp_path, page, measured, segmentation
):
    found = browse(tmp_path, page, *GL)
    assert found["heard"] == []
    assert [name for name in found["loaded"] if not name.startswith(("data:", "blob:"))] == []
    assert found["ready"]
    assert not found["hidden"]
    for one in measured.lesions:
        assert found["at"][str(one.number)] == pytest.approx(one.centroid_mm, abs=4.0)
    assert found["chosen"] == str(measured.lesions[-1].number)
    by_volume = [str(n.number) for n in sorted(measured.lesions, key=lambda n: -n.volume_ml)]
    assert found["falling"] == by_volume
    assert found["rising"] == by_volume[::-1]
    for k, volume in found["volume"].items():
        assert volume == pytest.approx(measured.curve[int(k)].volume_ml)
    # Lines of sight that meet a lesion, from the front, the right and the back.
    inside = segmentation.labels == 2
    seen = {"0": inside.any(axis=1), "90": inside.any(axis=0), "180": inside.any(axis=1)}
    assert found["red"] == {angle: int(lines.sum()) for angle, lines in seen.items()}
    assert found["stops"] == 1
    assert found["byKey"] == found["rising"][-1]


def test_without_webgl_everything_but_the_viewer_is_there(tmp_path, page, measured):
    found = browse(tmp_path, page, "--disable-gpu", "--disable-3d-apis")
    assert found["heard"] == []
    assert found["hidden"]
    assert found["chosen"] == str(measured.lesions[-1].number)
    assert len(found["falling"]) == len(measured.lesions)


def test_it_prints_on_two_pages_and_is_small(tmp_path, page):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    pdf = tmp_path / "report.pdf"
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        f"--user-data-dir={tmp_path / 'user'}", f"--print-to-pdf={pdf}",
        "--virtual-time-budget=5000", (tmp_path / "report.html").as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=180, capture_output=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) == 2
    assert len(page.encode()) < 15e6
