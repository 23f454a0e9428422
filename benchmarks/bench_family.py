"""Time one iteration of every method of the family beside its plain numpy and scipy form.

    python benchmarks/bench_family.py [REPEATS]

One thread, 128^3, 3 classes, q = 2, ours float32 and plain float64 (`plain_clustering.py`).
Contestants take turns; figures are medians of process time, which hardly feels what else runs on
the machine, and ratios those of medians. FCM, EnFCM and FGFCM iterate
on a histogram: theirs is an exact pass over all voxels. Filters run once a fit, on their own line.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import plain_clustering as plain
from bench_clustering import bone_spect_like
from family import FAMILY

from fuzzyseg.clustering import FCM, FCM_S, FCM_S1, FCM_S2, FGFCM, PCM, RFCM_CT, EnFCM
from fuzzyseg.clustering.image import as_points
from fuzzyseg.clustering.solver import assign, iterate


def clock(work: Any) -> float:
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def one_pass(model: Any, image: Any, centres: Any, pool: Any) -> Any:
    """One iteration of ours, with what `fit` prepares done before."""
    points, extra = model._filtered(as_points(image, None, model.channel_axis))
    u = assign(points.y, centres, 2.0)[0]
    model._prepare(points, centres)
    rule = model._rule(points, extra)
    sweep = model._sweep(points, u, rule, pool)
    return lambda: sweep(centres, update=True, store=rule.remembers)


def main(repeats: int) -> None:
    image = bone_spect_like()
    prior = (image > 0.2).astype(np.float32)
    fcm = FCM().fit(image)
    v, u = fcm.cluster_centers_, fcm.memberships_.astype(np.float64)
    y = image[None].astype(np.float64)
    flat = as_points(image, None, None).y
    uq = u**2
    eta = (uq * plain.distances(y, v)).sum((1, 2, 3)) / uq.sum((1, 2, 3))
    stop = np.full(1, np.inf)
    with ThreadPoolExecutor(1) as pool:

        def ours(model: Any, given: Any = image) -> Any:
            return one_pass(model, given, v, pool)

        def exact() -> Any:
            return iterate(flat, None, v, 2.0, max_iter=1, tol=stop)

        both = np.stack([image, prior])
        rows = {}
        for member in FAMILY.values():
            # a plain median takes minutes, and an iteration with it as long as with a mean
            quick = replace(member, smooth=member.smooth and plain.mean_filter)
            step = quick.prepare(y)[1]
            rows.setdefault(
                member.cls.__name__,
                (ours(member.cls(**member.options)), lambda step=step: step(u, v)),
            )
        rows |= {
            "RFCM_CT": (
                ours(RFCM_CT(channel_axis=0), both),
                lambda: plain.rfcm(y, u, v, gamma=0.01, z=prior),
            ),
            "FCM, EnFCM, FGFCM": (exact, lambda: plain.fcm(y, u, v)),
            "PCM": (ours(PCM()), lambda: plain.pcm(y, u, v, eta)),
        }
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in rows}
        for turn in range(repeats):
            for name, (fast, slow) in rows.items():
                fast()
                times[name][0].append(median(clock(fast) for _ in range(3)))
                if turn % 2 == 0:  # the slow ones take fewer turns
                    times[name][1].append(clock(slow))
    base = median(times["RFCM"][0])
    slower, below = [], []
    print("| one iteration | ours, ms | of RFCM's | plain, ms | times ours |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, (fast_ms, slow_ms) in times.items():
        fast, slow = median(fast_ms), median(slow_ms)
        print(f"| {name} | {fast:.1f} | {fast / base:.2f} | {slow:.0f} | {slow / fast:.0f} |")
        slower += [name] * (fast > 4 * base)
        below += [name] * (slow < 25 * fast)
    print("\nRequired: at most 4 times RFCM's iteration, at least 25 times the plain form; missed")
    print(f"by {', '.join(slower) or 'none'} and by {', '.join(below) or 'none'}.")
    print("\n| once a fit | ours, ms |\n| --- | ---: |")
    for model in (FCM_S(), FCM_S1(), FCM_S2(), EnFCM(), FGFCM()):
        points = as_points(image, None, None)
        spent = median(clock(lambda m=model, p=points: m._filtered(p)) for _ in range(3))
        print(f"| filter of {type(model).__name__} | {spent:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
