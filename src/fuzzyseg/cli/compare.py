"""`fuzzyseg compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from fuzzyseg.cli.options import Input, Output, progress, say, to_json, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[str], Callable[[int, int], None]]

FILES = ("changes.csv", "compare.json", "comparison.html")


@dataclass(frozen=True)
class Command:
    """Compare a patient's lesions on two days.

    Parameters
    ----------
    baseline
        Results of `fuzzyseg segment`, or a study, which is segmented first.
    follow_up
        The same of the later day.
    output
        Folder for comparison.html, changes.csv and compare.json; of studies also for the results
        of each, in baseline and follow-up.
    allow_mismatch
        Compare although Patient IDs or bones say that these are two patients.
    force
        Replace results in the output folder.
    quiet
        Show no progress and no summary.
    debug
        Show a traceback on errors.
    """

    baseline: Input
    follow_up: Annotated[Path, tyro.conf.Positional]
    output: Output
    allow_mismatch: bool = False
    force: bool = False
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Align, match, measure and write; files appear in the output folder together."""
        from fuzzyseg.io.output import results_folder

        with (
            results_folder(self.output, FILES, force=self.force) as folder,
            progress(self.quiet) as step,
        ):
            from fuzzyseg.follow_up import (
                changes_csv,
                compare,
                comparison_html,
                document,
                read_day,
            )

            both = ("baseline", self.baseline), ("follow-up", self.follow_up)
            self._check_paths()
            days = [read_day(self._results(name, path, step)) for name, path in both]
            step("comparing")
            found = compare(*days, allow_mismatch=self.allow_mismatch)
            step("writing")
            (folder / FILES[0]).write_text(changes_csv(found), encoding="utf-8")
            (folder / FILES[1]).write_text(to_json(document(found)), encoding="utf-8")
            (folder / FILES[2]).write_text(comparison_html(found), encoding="utf-8")
        from fuzzyseg.cli.change_lines import change_lines

        for note in found.notes:
            warn(note)
        for line in change_lines(found):
            say(line, quiet=self.quiet)
        say(f"results in {self.output}, open comparison.html", quiet=self.quiet)

    def _check_paths(self) -> None:
        """Refuse what cannot be compared before minutes are spent on it."""
        from fuzzyseg.errors import InputError

        for path in (self.baseline, self.follow_up):
            if not path.exists():
                raise InputError(
                    f"expected results of fuzzyseg segment or a study, found nothing at {path}; "
                    "check the path"
                )
        if self.baseline.resolve() == self.follow_up.resolve():
            raise InputError(
                f"expected two days, found {self.baseline} given twice; name the later day's "
                "results or study"
            )

    def _results(self, name: str, path: Path, step: Step) -> Path:
        """Folder of results of a day: the one that is given, or of a study that is segmented."""
        from fuzzyseg.follow_up import is_results

        if is_results(path):
            return path
        from fuzzyseg.batch.beside import with_ct_beside
        from fuzzyseg.batch.one import How, process, result_names
        from fuzzyseg.batch.source import Source
        from fuzzyseg.io.output import results_folder

        source, out = with_ct_beside(Source(name, path)), self.output / name
        how = How(allow_mismatch=self.allow_mismatch)
        with results_folder(out, result_names(), force=self.force) as folder:
            described, _ = process(source, folder, how, step=step)
        for text in described["warnings"]:
            warn(f"{name}: {text}")
        return out
