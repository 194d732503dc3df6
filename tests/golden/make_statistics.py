# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference figures for per-channel statistics and metrics, from numpy and scipy.

Needs: pip install numpy scipy. Usage: python make_statistics.py, writes statistics.json beside itself.
The values come from a generator that the test writes again, so the file holds figures only.
"""
import json
import pathlib

import numpy as np
from scipy import stats

ROWS, CHANNELS = 300, 37


def values(rows, channels):
    """Integer arithmetic only: the same float32 on every machine. Tails, offsets, one constant channel, one massive row."""
    table = np.zeros((rows, channels), dtype=np.float32)
    state = 12345
    for r in range(rows):
        for c in range(channels):
            state = (state * 1103515245 + 12345) % 2**31
            u = state // 2**8 % 4096 - 2048
            x = u / 256.0
            if c % 5 == 1:
                x = x * x * x / 64.0
            if c % 7 == 2:
                x += 1000.0
            if c == 4:
                x = 2.5
            table[r, c] = x
    table[0, 9] = 25400.0
    return table


def channel_figures(x):
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return {
            "min": x.min(0).tolist(),
            "max": x.max(0).tolist(),
            "mean": x.mean(0).tolist(),
            "variance": x.var(0).tolist(),
            "skewness": [None if v.var() == 0 else float(stats.skew(v)) for v in x.T],
            "kurtosis": [None if v.var() == 0 else float(stats.kurtosis(v, fisher=False)) for v in x.T],
            "energy": (x * x).sum(0).tolist(),
            "shareAbove": (np.abs(x) >= 6).mean(0).tolist(),
            "siteKurtosis": float(stats.kurtosis(x.ravel(), fisher=False)),
            "top1pctEnergy": float(np.sort((x * x).sum(0))[::-1][: -(-x.shape[1] // 100)].sum() / (x * x).sum()),
            "maxToMedian": float(np.abs(x).max() / np.median(np.abs(x).max(0))),
        }


table = values(ROWS, CHANNELS)
a = table[:, 0].astype(np.float64)
b = (table[:, 1] + 0.3 * table[:, 0] ** 3).astype(np.float64)
ties = np.round(b)
nll = np.abs(a[:40]) * 30 + 500
other = nll + np.abs(b[:40]) * 3
counts = np.array([255.0 if i % 3 else 101.0 for i in range(40)])


def ratio(numerators, denominators):
    n = len(numerators)
    value = numerators.sum() / denominators.sum()
    residuals = numerators - value * denominators
    return [float(value), float(np.sqrt(n / (n - 1) * (residuals**2).sum()) / denominators.sum())]


golden = {
    "rows": ROWS,
    "channels": CHANNELS,
    "all": channel_figures(table),
    "withoutFirst": channel_figures(table[1:]),
    "pearson": float(stats.pearsonr(a, b).statistic),
    "spearman": float(stats.spearmanr(a, b).statistic),
    "spearmanTies": float(stats.spearmanr(a, ties).statistic),
    "ranksTies": stats.rankdata(ties[:20]).tolist(),
    "quantiles": [[q, float(np.quantile(b, q))] for q in (0, 0.1, 0.5, 0.77, 0.99, 1)],
    "ratio": ratio(nll, counts),
    "pairedDifference": [float((other - nll).mean()), float(stats.sem(other - nll))],
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
