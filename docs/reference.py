"""Write the site's reference, docs/reference/: what the docstrings say of every public name.

`make docs` runs it. A page has a line a name, which mkdocstrings fills; commands show their help,
which is made of their docstrings too.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from fuzzyseg.cli.commands import COMMANDS
from fuzzyseg.cli.help import command_help

FOLDER = Path(__file__).with_name("reference")
# Pages in this order, as in zensical.toml; a name stands on the first page that has it.
PACKAGES = (
    "fuzzyseg",
    "fuzzyseg.errors",
    "fuzzyseg.segmentation",
    "fuzzyseg.clustering",
    "fuzzyseg.losses",
    "fuzzyseg.networks",
    "fuzzyseg.models",
    "fuzzyseg.inference",
    "fuzzyseg.training",
    "fuzzyseg.metrics",
    "fuzzyseg.quantification",
    "fuzzyseg.report.page",
    "fuzzyseg.io",
    "fuzzyseg.simulation",
    "fuzzyseg.interop",
    "fuzzyseg.jobs",
)


def write_reference() -> None:
    """Write every page anew."""
    FOLDER.mkdir(exist_ok=True)
    shown: set[str] = set()
    for package in PACKAGES:
        places = [place for place in _places(package) if place not in shown]
        shown.update(places)
        text = f"# {package}\n\n{_introduction(package)}\n"
        text += "".join(f"\n::: {place}\n" for place in places)
        (FOLDER / f"{package}.md").write_text(text, encoding="utf-8")
    text = "# Commands\n\nWhat `fuzzyseg COMMAND --help` says.\n"
    for name in COMMANDS:
        text += f"\n## fuzzyseg {name}\n\n```text\n{command_help(name)}```\n"
    (FOLDER / "commands.md").write_text(text, encoding="utf-8")


def _places(package: str) -> list[str]:
    """Where the public names of a package are defined: "module.name", or whole modules."""
    module = import_module(package)
    if hasattr(module, "__all__"):
        values = {name: getattr(module, name) for name in module.__all__}
        return [f"{v.__module__}.{name}" for name, v in values.items() if callable(v)]
    if hasattr(module, "__path__"):
        return [f"{package}.{found.name}" for found in pkgutil.iter_modules(module.__path__)]
    return [package]


def _introduction(package: str) -> str:
    module = import_module(package)
    if not hasattr(module, "__all__"):
        return ""
    first = (module.__doc__ or "").splitlines()[0]
    return f"{first}\n\nAll of it is imported from `{package}`."


if __name__ == "__main__":
    write_reference()
