"""Run the benchmarks and print their tables as Markdown.

    python benchmarks/run.py                       all
    python benchmarks/run.py clustering metrics    some
    python benchmarks/run.py --write               and put the tables into docs/benchmarks.md

A benchmark is a file bench_*.py here that prints Markdown; each runs in its own process.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fuzzyseg.experiments.marked_section import write_section

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
LIBRARIES = (
    "fuzzyseg", "numpy", "scipy", "numba", "torch",
    "scikit-fuzzy", "scikit-learn", "surface-distance", "monai", "pytomography",
    "openvino", "onnxruntime",
)  # fmt: skip


def processor() -> str:
    """Model of the processor, as the system names it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def circumstances() -> str:
    """Say when and on what the benchmarks ran."""
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    load = (
        f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    )
    return (
        f"{datetime.now(UTC):%d %B %Y}, `python benchmarks/run.py`, {processor()}, "
        f"{os.cpu_count()} cores{load}; Python {platform.python_version()}, {', '.join(found)}."
    )


def tables(path: Path) -> str:
    """Run one benchmark, and print and return its section of the page."""
    title = path.stem.removeprefix("bench_").capitalize()
    lines = [f"## {title}", "", circumstances(), ""]
    print("\n".join(lines), flush=True)
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line.rstrip("\n"))
    if process.returncode:
        sys.exit(f"{path.name} failed with exit code {process.returncode}")
    print(flush=True)
    return "\n".join(lines)


def main() -> None:
    """Run, print and, if asked, write."""
    names = [argument for argument in sys.argv[1:] if argument != "--write"]
    for path in sorted(HERE.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if not names or name in names:
            section = tables(path)
            if "--write" in sys.argv:
                write_section(PAGE, name, section)


if __name__ == "__main__":
    main()
