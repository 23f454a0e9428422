"""Time the losses beside the published form, torch's cross-entropy and MONAI's DiceLoss.

    python benchmarks/bench_losses.py [REPEATS]

Forward plus backward in float32 and one thread. Contestants take turns; the table gives medians
(minima) of wall time and minima of process time. What says "logits" has its softmax inside, as
torch's cross-entropy has; what says "probabilities" has none. Memory is the growth of the
process's peak, less the gradient that stays.
"""

from __future__ import annotations

import ctypes
import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from fuzzyseg.losses import (
    CrossEntropyLoss,
    DiceLoss,
    FCMLabelLoss,
    MumfordShahLoss,
    RFCMLoss,
    SemiRFCMLoss,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SHAPES = ((8, 3, 192, 192), (1, 3, 96, 96, 96))
TIMES_DIRECT = {4: 50, 5: 100}  # how many times faster than the direct form, by dimensions
OURS = "RFCMLoss, logits"
COMPILED = f"{OURS}, torch.compile"
PROBABILITIES = "RFCMLoss, probabilities"
DIRECT = "direct form, probabilities"
CROSS_ENTROPY = "torch cross_entropy, logits"
LABEL = "FCMLabelLoss, logits"
MONAI = "MONAI DiceLoss, logits"


@dataclass
class Contestant:
    """One row of a table; slow ones run `share` as often."""

    name: str
    loss: Callable[[Tensor], Tensor]
    input: Tensor
    share: float = 1.0
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def step(self) -> None:
        """Run forward and backward once."""
        self.input.grad = None
        self.loss(self.input).backward()


def direct_rfcm(f: Tensor, y: Tensor, q: float = 2.0, beta: float = 0.0008) -> Tensor:
    """Eq. (11) as it is written, and as it was published: a convolution a pair of classes."""
    n_classes, n_space = f.shape[1], f.ndim - 2
    taps = torch.ones((1, 1, *(3,) * n_space))
    taps[(0, 0, *(1,) * n_space)] = 0
    convolve = functional.conv2d if n_space == 2 else functional.conv3d
    space = tuple(range(2, f.ndim))
    loss = torch.zeros(())
    for k in range(n_classes):
        u = f[:, k : k + 1] ** q
        v = (u * y).sum(space, keepdim=True) / u.sum(space, keepdim=True)
        loss = loss + (u * (y - v) ** 2).mean()
        for m in range(n_classes):
            if m != k:
                near = convolve(f[:, m : m + 1] ** q, taps, padding=1)
                loss = loss + beta * (u * near).mean()
    return loss


def monai_dice() -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return MONAI's DiceLoss with softmax and one-hot coding inside, if it is installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from monai.losses import DiceLoss as Peer
    except ImportError:
        return None
    loss: Callable[[Tensor, Tensor], Tensor] = Peer(softmax=True, to_onehot_y=True)
    return loss


def compiled(loss: Any) -> Any:
    """Compile for any float32 input of this shape, afresh for each shape."""
    torch._dynamo.reset()
    return torch.compile(loss, dynamic=False)


def contestants(shape: tuple[int, ...]) -> list[Contestant]:
    """Return the rows of one table."""
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(shape, generator=rng)
    y = torch.rand((shape[0], 1, *shape[2:]), generator=rng)
    g = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=rng)
    logits, f = z.requires_grad_(), z.softmax(1).detach().requires_grad_()
    rfcm, probabilities = RFCMLoss(), RFCMLoss(input_kind="probabilities")
    fast, fast_ce = compiled(rfcm), compiled(functional.cross_entropy)
    label, ce, dice = FCMLabelLoss(), CrossEntropyLoss(), DiceLoss()
    ms, semi, peer = MumfordShahLoss(), SemiRFCMLoss(), monai_dice()
    direct, published = (fn(f, y).item() for fn in (direct_rfcm, probabilities))
    if abs(direct - published) > 1e-5 * published:
        raise AssertionError(f"direct form {direct}, ours {published}")
    rows = [
        Contestant(OURS, lambda z: rfcm(z, y), logits),
        Contestant(COMPILED, lambda z: fast(z, y), logits),
        Contestant(PROBABILITIES, lambda f: probabilities(f, y), f),
        Contestant(DIRECT, lambda f: direct_rfcm(f, y), f, share=0.2),
        Contestant(CROSS_ENTROPY, lambda z: functional.cross_entropy(z, g), logits),
        Contestant(f"{CROSS_ENTROPY}, torch.compile", lambda z: fast_ce(z, g), logits),
        Contestant(LABEL, lambda z: label(z, g), logits),
    ]
    if peer is not None:
        target = g[:, None]
        rows.append(Contestant(MONAI, lambda z: peer(z, target), logits))
    return [
        *rows,
        Contestant("DiceLoss, logits", lambda z: dice(z, g), logits),
        Contestant("CrossEntropyLoss, logits", lambda z: ce(z, g), logits),
        Contestant("MumfordShahLoss, logits", lambda z: ms(z, y), logits),
        Contestant("SemiRFCMLoss, logits", lambda z: semi(z, y, g), logits),
    ]


def take_turns(rows: list[Contestant], repeats: int) -> None:
    """Time the contestants, after one run of each that is not counted."""
    for turn in range(-1, repeats):
        for row in rows:
            if turn >= max(2, round(repeats * row.share)):
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            row.step()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if turn >= 0:
                row.wall_ms.append(1e3 * wall)
                row.cpu_ms.append(1e3 * cpu)


def extra_memory(row: Contestant) -> str:
    """Growth of the peak over one step, less the gradient, in predictions (Linux only)."""
    clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not clear.exists():
        return ""

    def kilobytes(key: str) -> int:
        return int(next(x for x in status.read_text().splitlines() if x.startswith(key)).split()[1])

    row.input.grad = None
    ctypes.CDLL(None).malloc_trim(0)  # gives freed memory back, so that taking it again shows
    clear.write_text("5")  # resets the peak
    before = kilobytes("VmRSS:")
    row.step()
    grown = (kilobytes("VmHWM:") - before) * 1024
    return f"{grown / (row.input.numel() * row.input.element_size()) - 1:.1f}"


def verdicts(rows: list[Contestant], n_dimensions: int) -> list[str]:
    """Say what was required and whether it was met, by minima of process time."""
    took = {row.name: min(row.cpu_ms) for row in rows}
    ce = took[CROSS_ENTROPY]
    times = TIMES_DIRECT[n_dimensions]
    found = [
        (f"{times} times as fast as the direct form", took[DIRECT] / took[PROBABILITIES], times),
        ("at most twice cross-entropy, eager", 2, took[OURS] / ce),
        ("no slower than cross-entropy, compiled (eager cross-entropy)", 1, took[COMPILED] / ce),
    ]
    if MONAI in took:
        found.append(("FCMLabelLoss no slower than MONAI's DiceLoss", 1, took[LABEL] / took[MONAI]))
    lines = []
    for asked, more, less in found:
        ratio = more if less == times else less
        met = "met" if more >= less else "MISSED"
        lines.append(f"- {asked}: {met} ({ratio:.{0 if ratio > 10 else 2}f})")
    return lines


def main() -> None:
    """Print the tables as Markdown."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    torch.set_num_threads(1)
    for shape in SHAPES:
        rows = contestants(shape)
        take_turns(rows, repeats)
        print(f"### Losses of {shape}, forward and backward\n")
        print("| loss | wall ms (min) | CPU ms (min) | of cross-entropy | memory |")
        print("| --- | ---: | ---: | ---: | ---: |")
        ce = next(min(row.cpu_ms) for row in rows if row.name == CROSS_ENTROPY)
        for row in rows:
            print(
                f"| {row.name} | {median(row.wall_ms):.1f} ({min(row.wall_ms):.1f}) "
                f"| {min(row.cpu_ms):.1f} | {min(row.cpu_ms) / ce:.2f} | {extra_memory(row)} |"
            )
        print("\nMemory in sizes of the prediction, less the gradient that stays.")
        print("Required, by the minima of process time (and found):\n")
        print("\n".join(verdicts(rows, len(shape))) + "\n")


if __name__ == "__main__":
    main()
