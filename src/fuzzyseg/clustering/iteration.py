"""From one iteration to the solution: stopping, and acceleration that cannot end higher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.clustering.solver import Fit, next_centres

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.clustering.sweeps import Sweep

_MEMORY = 4  # steps that Anderson's extrapolation looks back on


def iterate_with_memory(
    sweep: Sweep,
    start: NDArray[np.float64],
    *,
    max_iter: int,
    tol: float,
    reach: NDArray[np.float64],
    move_centres: bool,
) -> Fit:
    """Alternate memberships, all voxels at once, and centres; memberships in place.

    Stops when no centre moved more than `tol` times `reach` (D,), the range of each channel,
    and the objective changed by less than `tol` of itself. `history` has one entry more than
    there are iterations: the objective before each, and at the end.
    """
    fit = Fit(start)
    for fit.n_iter in range(1, max_iter + 1):
        sums = sweep(fit.centres, update=True)
        fit.history.append(float(sums[:, -1].sum()))
        centres = next_centres(sums, fit.centres) if move_centres else fit.centres
        at_rest = bool((np.abs(centres - fit.centres) <= tol * reach).all())
        fit.centres = centres
        if at_rest and len(fit.history) > 1:
            before, now = fit.history[-2:]
            if abs(before - now) <= tol * abs(before):
                fit.converged = True
                break
    fit.history.append(float(sweep(fit.centres, update=False)[:, -1].sum()))
    return fit


def iterate_centres(
    sweep: Sweep,
    start: NDArray[np.float64],
    *,
    max_iter: int,
    tol: float,
    reach: NDArray[np.float64],
    move_centres: bool,
    accelerate: bool,
) -> Fit:
    """Repeat v <- g(v), where memberships depend on the centres alone, until v rests.

    With `accelerate`, the next centres are Anderson's (1965) extrapolation of the last steps. It
    is taken back, and a plain step made instead, if the objective is above that of the step
    before, which plain steps never raise. `history` is the objective at each of the centres
    passed through, those taken back left out, and at the end.
    """
    fit, steps = Fit(start), _Steps()
    plain, extrapolated = start, False
    for fit.n_iter in range(1, max_iter + 1 if move_centres else 1):
        sums = sweep(fit.centres, store=False)
        now = float(sums[:, -1].sum())
        if extrapolated and now > fit.history[-1]:
            fit.centres, extrapolated = plain, False
            steps.clear()
            continue
        fit.history.append(now)
        before, plain = fit.centres, next_centres(sums, fit.centres)
        if (np.abs(plain - before) <= tol * reach).all():
            fit.centres, fit.converged = plain, True
            break
        guess = steps.extrapolate(before, plain) if accelerate else None
        extrapolated = guess is not None
        fit.centres = plain if guess is None else guess
    if not move_centres:
        fit.n_iter, fit.converged = 1, True
    elif extrapolated and not fit.converged:
        fit.centres = plain  # an extrapolation that nobody has looked at
    fit.history.append(float(sweep(fit.centres)[:, -1].sum()))
    return fit


class _Steps:
    """The last steps from v to g(v)."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.froms: list[NDArray[np.float64]] = []
        self.moves: list[NDArray[np.float64]] = []

    def extrapolate(
        self, v: NDArray[np.float64], plain: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Where the steps would come to rest were g linear; None if they do not say.

        Classes whose order would change, or a step ten times as far as the plain one, say that
        the steps are no guide.
        """
        self.froms = [*self.froms[-_MEMORY:], v.ravel()]
        self.moves = [*self.moves[-_MEMORY:], (plain - v).ravel()]
        if len(self.moves) < 2:
            return None
        slopes = np.diff(self.moves, axis=0).T
        gamma = np.linalg.lstsq(slopes, self.moves[-1], rcond=1e-10)[0]
        step = self.moves[-1] - (np.diff(self.froms, axis=0).T + slopes) @ gamma
        if not np.isfinite(step).all() or np.abs(step).max() > 10 * np.abs(self.moves[-1]).max():
            return None
        guess = v + step.reshape(v.shape)
        in_order = (np.argsort(guess[:, 0]) == np.argsort(plain[:, 0])).all()
        return guess if in_order else None
