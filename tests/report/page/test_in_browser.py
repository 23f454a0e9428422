"""The page in a real browser, without a network."""

import json
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
  const found = { ready: document.documentElement.dataset.ready === "true", at: {}, volume: {} };
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


def test_rows_sorting_slider_and_no_word_to_anybody(tmp_path, page, measured):
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


def test_without_webgl_everything_but_the_viewer_is_there(tmp_path, page, measured):
    found = browse(tmp_path, page, "--disable-gpu", "--disable-3d-apis")
    assert found["heard"] == []
    assert found["hidden"]
    assert found["chosen"] == str(measured.lesions[-1].number)
    assert len(found["falling"]) == len(measured.lesions)
