"""Blocks in README and docs run, commands in them exist, and links lead somewhere."""

import dataclasses
import json
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from fuzzyseg.cli.commands import COMMANDS
from fuzzyseg.cli.parse import parse
from fuzzyseg.models.locate import bundled_models

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCKS = {page: re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S) for page in PAGES}
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"

# Pages that run other people's libraries: what these warn of is theirs.
NEEDS = {"trainers.md": ("ignite", "monai", "torchio")}


def commands(page):
    """Lines of a page's shell blocks that call fuzzyseg, as words."""
    for block in re.findall(r"```(?:sh|shell)\n(.*?)```", page.read_text("utf-8"), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["fuzzyseg"] and words[1] in COMMANDS:
                yield words[1:]


def marked(page):
    missing = [name for name in NEEDS.get(page.name, ()) if find_spec(name) is None]
    marks = [pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")]
    if page.name in NEEDS:
        marks.append(pytest.mark.filterwarnings("ignore"))
    return pytest.param(page, marks=marks, id=page.name)


@pytest.mark.parametrize("page", [marked(page) for page in PAGES if BLOCKS[page]])
def test_python_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    if page.with_suffix(".ipynb") == NOTEBOOK and find_spec("nbclient"):
        pytest.skip("its notebook runs")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "docs"}
    for block in BLOCKS[page]:
        exec(compile(block, page.name, "exec"), names)  # noqa: S102


@pytest.mark.parametrize("page", [p for p in PAGES if [*commands(p)]], ids=lambda p: p.name)
def test_commands_of_a_page_have_these_options(page):
    for command, *words in commands(page):
        if "--config" not in words and "--help" not in words:  # a file that is not there
            parse(command, words)


@pytest.mark.parametrize("recipe", sorted(ROOT.glob("recipes/*.toml")), ids=lambda p: p.name)
def test_a_recipe_has_the_command_of_docs_above_it_and_is_read(recipe, monkeypatch):
    monkeypatch.chdir(ROOT)
    command = "fuzzyseg train " + recipe.read_text("utf-8").split("fuzzyseg train ")[1]
    words = shlex.split(command.splitlines()[0])[1:]
    assert words in [*commands(ROOT / "docs" / "training.md")]
    assert words[words.index("--config") + 1] == f"recipes/{recipe.name}"
    parse("train", words[1:])


@pytest.mark.parametrize(("name", "card"), [*bundled_models().items()])
def test_a_bundled_model_has_the_settings_of_the_recipe_that_docs_name(name, card, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = [words for words in commands(ROOT / "docs" / "training.md") if words[0] == "train"]
    told = [words for words in told if f"runs/{name}" in words]
    assert [words[words.index("--config") + 1] for words in told] == [card.training["recipe"]]
    wanted, had = parse("train", told[0][1:]).train, card.training["config"]
    assert card.preprocessing.spacing_mm == wanted.spacing_mm  # images may have had it anyway
    names = [field.name for field in dataclasses.fields(wanted) if field.name != "spacing_mm"]
    shared = [name for name in names if name in had]
    assert {"loss", "network", "filters", "channels", "steps"} <= {*shared}
    for field in shared:
        value = getattr(wanted, field)
        assert had[field] == (list(value) if isinstance(value, tuple) else value), field


def test_the_notebook_is_the_tutorial_without_outputs():
    """`make notebook` makes it so."""
    text = []
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        code = cell["cell_type"] == "code"
        text.append(f"```python\n{source}\n```" if code else source)
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert "\n\n".join(text) + "\n" == NOTEBOOK.with_suffix(".md").read_text("utf-8")


def test_the_notebook_runs_and_shows_pictures(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="fuzzyseg[docs] is not installed")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [out.get("data", {}) for c in notebook.cells for out in c.get("outputs", ())]
    assert sum("data:image/png" in data.get("text/html", "") for data in shown) == 3
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
            on_site = page.parent == ROOT or not target.startswith("..")
            assert on_site, f"{page.name} links to {target}, which is not on the site"


def test_every_page_of_docs_is_on_the_site():
    navigation = json.dumps(tomllib.loads((ROOT / "zensical.toml").read_text("utf-8")))
    for page in (ROOT / "docs").glob("*.md"):
        assert f'"{page.name}"' in navigation, f"give {page.name} a place in zensical.toml"
