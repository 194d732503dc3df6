# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/formats.json and .safetensors: number formats, granularities and static ranges on plain tensors, by code
that shares nothing with ours.

Needs: pip install torch==2.11.0 numpy scipy safetensors     (and, to check this script itself: gfloat==0.5.2)
Run:   python tests/golden/make_formats.py [--check-with-gfloat]

Integers are torch.fake_quantize_per_*_affine; fp16, bf16, E4M3 and E5M2 are torch's own dtypes; the FP6, FP4, MX and NVFP4 values
are found by listing every value of the format (OCP Microscaling 1.0, NVIDIA NVFP4) and taking the nearest one, the even code
on ties. Inputs of integer cases keep 1e-3 of a step away from every middle between two levels.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy.stats
import torch
from safetensors.torch import save_file
from torch.ao.quantization.observer import HistogramObserver

HERE = Path(__file__).parent
ELEMENTS = {  # exponent bits, fraction bits, bias
    "mxfp8_e4m3": (4, 3, 7), "mxfp8_e5m2": (5, 2, 15), "mxfp6_e3m2": (3, 2, 3), "mxfp6_e2m3": (2, 3, 1), "mxfp4": (2, 1, 1), "nvfp4": (2, 1, 1),
}
golden, cases = {}, []
random = np.random.default_rng(7)


def values(name):
    """Every non-negative value of an element format, by code."""
    exponents, fractions, bias = ELEMENTS[name]
    listed = []
    for code in range(2 ** (exponents + fractions)):
        e, f = code >> fractions, code & (2 ** fractions - 1)
        if name == "mxfp8_e4m3" and code == 127:
            continue  # NaN
        if name == "mxfp8_e5m2" and e == 31:
            continue  # infinity and NaN
        listed.append(f * 2.0 ** (1 - bias - fractions) if e == 0 else (1 + f / 2 ** fractions) * 2.0 ** (e - bias))
    return np.array(listed)


def nearest(x, name):
    levels = values(name)
    size = np.minimum(np.abs(x.astype(np.float64)), levels[-1])
    upper = np.clip(np.searchsorted(levels, np.nan_to_num(size)), 1, len(levels) - 1)
    low, high = levels[upper - 1], levels[upper]
    code = np.where(size - low < high - size, upper - 1, np.where(size - low > high - size, upper, upper - upper % 2))
    return np.where(np.isnan(x), np.nan, np.copysign(levels[code], x))


def e4m3(x):
    return torch.tensor(x, dtype=torch.float32).clamp(-448, 448).to(torch.float8_e4m3fn).float().numpy()


def blocks(x, name, kept=(), tensor=None):
    """x [row, channel] by the formats' definitions; `tensor`: the largest |x| that NVFP4's outer scale is taken from."""
    size = 16 if name == "nvfp4" else 32
    inside = np.where(np.isfinite(x), x, 0).astype(np.float32)
    inside[:, list(kept)] = 0
    out = np.array(x, dtype=np.float32)
    outer = np.float32((np.abs(inside).max() if tensor is None else tensor)) / np.float32(6 * 448)
    for row in range(x.shape[0]):
        for begin in range(0, x.shape[1], size):
            part = slice(begin, min(begin + size, x.shape[1]))
            largest = np.abs(inside[row, part]).max()
            if name == "nvfp4":
                scale = np.float32(e4m3(np.float32(largest / np.float32(6)) / outer)) * outer if largest > 0 else np.float32(0)
            elif largest > 0:
                scale = np.float32(2.0 ** max(-127, int(np.floor(np.log2(np.float64(largest)))) - int(np.floor(np.log2(values(name)[-1])))))
            else:
                scale = np.float32(2.0 ** -127)
            if scale == 0:
                out[row, part] = np.where(np.isnan(x[row, part]), np.nan, 0)
            else:
                out[row, part] = nearest(x[row, part] / scale, name).astype(np.float32) * scale
    out[:, list(kept)] = x[:, list(kept)]
    return out


def wide(rows, channels):
    """Values over many powers of two, with zeros, and one row of zeros."""
    x = random.standard_normal((rows, channels)) * 2.0 ** random.integers(-8, 6, (rows, channels))
    x[random.random((rows, channels)) < 0.05] = 0
    x[rows // 2] = 0
    return x.astype(np.float32)


def add(name, rule, x, y, kept=(), calibration=None, weight=False, sequences=1, lengths=()):
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    i = len(cases)
    golden[f"{i}.x"], golden[f"{i}.y"] = torch.tensor(x), torch.tensor(y)
    if calibration is not None:
        golden[f"{i}.calibration"] = torch.tensor(np.asarray(calibration, np.float32))
    cases.append({"name": name, "rule": rule, "kept": list(kept), "weight": weight, "sequences": sequences, "channels": x.shape[-1],
                  "lengths": list(lengths)})


def formats():
    # Powers, ties and their neighbours, subnormal values, the largest ones and what lies beyond.
    for name in ("fp16", "bf16"):
        kind = torch.float16 if name == "fp16" else torch.bfloat16
        x = (random.standard_normal(4096) * 2.0 ** random.integers(-30, 15, 4096)).astype(np.float32)
        ties = torch.tensor(x[:512]).to(kind)
        up = torch.nextafter(ties, torch.tensor(float("inf"), dtype=kind)).float()
        x[:512] = ((ties.float().double() + up.double()) / 2).float().numpy()
        x[512:520] = [0, 65504, 65519.99, 65520, 1e5, -1e38, 3.3895e38, np.inf]
        x = x.reshape(-1, 64)
        add(name, {"format": name}, x, torch.tensor(x).to(kind).float().numpy(), kept=[3], calibration=None)
        cases[-1]["exact"] = True
        golden[f"{len(cases) - 1}.y"][:, 3] = golden[f"{len(cases) - 1}.x"][:, 3]
    for name, kind, largest in (("e4m3", torch.float8_e4m3fn, 448.0), ("e5m2", torch.float8_e5m2, 57344.0)):
        cast = lambda t: t.clamp(-largest, largest).to(kind).float()
        # A largest value of its own makes the scale 1: every code, every middle between two codes, every neighbour of a middle.
        codes = torch.arange(0, 256, dtype=torch.uint8).view(kind).float()
        codes = codes[torch.isfinite(codes)].unique()
        middles = (codes[1:] + codes[:-1]) / 2
        x = torch.cat([codes, middles, torch.nextafter(middles, torch.tensor(1e9)), torch.nextafter(middles, torch.tensor(-1e9))])
        x = x[: x.numel() // 8 * 8].reshape(-1, 8)
        x[0, 0] = largest
        add(f"{name}, every code and middle", {"format": name}, x, cast(x))
        cases[-1]["exact"] = True
        x = torch.tensor(wide(24, 45))
        scale = x.abs().max() / largest
        add(f"{name} per tensor", {"format": name}, x, cast(x / scale) * scale)
        scale = x.abs().amax(1, True) / largest
        scale = torch.where(scale > 0, scale, torch.ones(()))
        y = cast(x / scale) * scale
        add(f"{name} per token", {"format": name, "granularity": "per-token"}, x, y)
        add(f"{name} weight per channel", {"format": name, "granularity": "per-channel"}, x, y, weight=True)
        inside = x.clone()
        inside[:, [4, 44]] = 0
        scale = inside.abs().max() / largest
        y = cast(x / scale) * scale
        y[:, [4, 44]] = x[:, [4, 44]]
        add(f"{name} per tensor, kept", {"format": name}, x, y, kept=[4, 44])
        scale = inside.abs().max() / largest
        y = cast(2 * x / scale) * scale
        y[:, [4, 44]] = 2 * x[:, [4, 44]]
        add(f"{name} static, kept", {"format": name, "dynamic": False}, 2 * x, y, kept=[4, 44], calibration=x)
        both = torch.cat([x[:12], 10 * x[12:]])  # two sequences, the second padded after 7 tokens
        one, two = (both[:12].abs().max() / largest), (both[12:19].abs().max() / largest)
        add(f"{name} per sequence", {"format": name}, both, torch.cat([cast(both[:12] / one) * one, cast(both[12:] / two) * two]),
            sequences=2, lengths=[12, 7])
    for name in ELEMENTS:
        size = 16 if name == "nvfp4" else 32
        levels = values(name)
        middles = (levels[1:] + levels[:-1]) / 2
        x = np.concatenate([levels, middles, np.nextafter(middles.astype(np.float32), np.float32(1e9)), -np.nextafter(middles.astype(np.float32), np.float32(-1e9))])
        x = np.concatenate([x, np.zeros(-len(x) % (size - 1))]).reshape(-1, size - 1)
        x = np.concatenate([x, np.full((len(x), 1), levels[-1])], 1).astype(np.float32)  # scale 1 in every block
        if name == "nvfp4":
            x[0, 0] = 6 * 448  # outer scale 1; that value's block apart
            x = np.concatenate([np.zeros((1, size)), x]).astype(np.float32)
            x[0, 0], x[1, 0] = 6 * 448, 0
        expected = blocks(x, name)
        if name != "nvfp4":
            assert np.array_equal(expected, nearest(x, name)), name
        add(f"{name}, every code and middle", {"format": name}, x, expected)
        cases[-1]["exact"] = True
        x = wide(17, 100)  # the last block is a short one
        add(f"{name}", {"format": name}, x, blocks(x, name))
        cases[-1]["exact"] = name != "nvfp4"
        add(f"{name} kept", {"format": name}, x, blocks(x, name, [0, 40, 99]), kept=[0, 40, 99])
        add(f"{name} weight", {"format": name, "granularity": "per-tensor"}, x, blocks(x, name), weight=True)
        small = x * np.float32(2.0 ** -120)
        add(f"{name}, tiny values", {"format": name}, small, blocks(small, name))
        odd = x.copy()
        odd[1, 5], odd[2, 50], odd[3, 99], odd[3, 98] = np.nan, np.inf, -np.inf, np.nan
        add(f"{name}, not finite", {"format": name}, odd, blocks(odd, name))
    x = wide(6, 48)
    add("nvfp4 static", {"format": "nvfp4", "dynamic": False}, x, blocks(x, "nvfp4", tensor=np.abs(x).max() * 4), calibration=4 * x)


def fake(x, low, high, bits, sym, axis=None):
    """torch's own operator, over one axis or the whole tensor."""
    low, high = low.clamp(max=0).flatten(), high.clamp(min=0).flatten()
    if sym:
        top = 2 ** (bits - 1) - 1
        scale, zero, bottom = torch.maximum(-low, high) / top, torch.zeros(low.shape, dtype=torch.int32), -top
    else:
        top, bottom = 2 ** (bits - 1) - 1, -2 ** (bits - 1)
        scale = (high - low) / (top - bottom)
        scale = torch.where(scale > 0, scale, torch.ones(()))
        zero = torch.round(bottom - low / scale).int()
    scale = torch.where(scale > 0, scale, torch.ones(()))
    if axis is None:
        return torch.fake_quantize_per_tensor_affine(x, float(scale[0]), int(zero[0]), bottom, top), scale, zero
    return torch.fake_quantize_per_channel_affine(x, scale, zero, axis, bottom, top), scale, zero


def steady(make, tries=200):
    """A random tensor and what `make` does to it, of several the one whose values keep clear of every middle."""
    for _ in range(tries):
        x = torch.tensor(random.standard_normal((12, 40)) * np.exp(random.standard_normal((1, 40))), dtype=torch.float32)
        y = make(x)
        near = make(x * (1 + 2e-6))
        if (near - y * (1 + 2e-6)).abs().max() < 1e-4 * y.abs().max():
            return x, y
    raise SystemExit("no steady input found")


def integers():
    for bits in (3, 4, 8):
        for sym in (True, False):
            word = f"{bits} bits, {'' if sym else 'a'}symmetric"
            rule = {"bits": bits, "symmetric": sym}
            add(f"per channel, {word}", rule | {"granularity": "per-channel"}, *steady(lambda x: fake(x, x.amin(0), x.amax(0), bits, sym, 1)[0]))

            def grouped(x, group=16):
                y = x.clone()
                for begin in range(0, 40, group):
                    part = x[:, begin:begin + group]
                    y[:, begin:begin + group] = fake(part, part.amin(1), part.amax(1), bits, sym, 0)[0]
                return y
            add(f"per group, {word}", rule | {"granularity": "per-group", "group": 16}, *steady(grouped))
            if sym:
                add(f"weight per group, {word}", rule | {"granularity": "per-group", "group": 16}, *steady(grouped), weight=True)

            def runs(x, run=5):  # a key's cache
                y = x.clone()
                for begin in range(0, 12, run):
                    part = x[begin:begin + run]
                    y[begin:begin + run] = fake(part, part.amin(0), part.amax(0), bits, sym, 1)[0]
                return y
            add(f"token runs, {word}", rule | {"granularity": "per-channel", "token_run": 5}, *steady(runs))

            for permute in (True, False):  # Bondarenko et al. 2021, section 4
                for dynamic in (True, False):
                    def peg(x, K=3):
                        order = np.argsort((x.amax(0).clamp(min=0) - x.amin(0).clamp(max=0)).numpy(), kind="stable") if permute else np.arange(40)
                        y = x.clone()
                        for k in range(K):
                            member = [int(c) for i, c in enumerate(order) if i * K // 40 == k]
                            part = x[:, member]
                            y[:, member] = fake(part, part.min(), part.max(), bits, sym)[0]
                        return y
                    x, y = steady(peg)
                    add(f"PEG, {'permuted' if permute else 'in order'}, {'dynamic' if dynamic else 'static'}, {word}",
                        rule | {"groups": 3, "permute": permute, "dynamic": dynamic}, x, y, calibration=x)
        def int8(x, threshold=4.0):  # Dettmers et al. 2022: columns with an outlier stay out
            out = (x.abs() >= threshold).any(0)
            inside = torch.where(out, torch.zeros(()), x)
            return torch.where(out, x, fake(inside, inside.amin(1), inside.amax(1), bits, True, 0)[0])
        x, y = steady(int8)
        assert 0 < (x.abs() >= 4).any(0).sum() < 40
        add(f"LLM.int8, {bits} bits", {"bits": bits, "granularity": "per-token", "threshold": 4.0}, x, y)


def weights():
    """range=mse: the best of all clipping fractions, found by trying each 0.1 % and rounding the weights themselves."""
    for bits in (2, 3, 4):
        w = torch.tensor(random.standard_t(4, (8, 256)), dtype=torch.float32)
        least = torch.full((8,), np.inf)
        for permille in range(100, 1001):
            y = fake(w, w.abs().amax(1).neg() * permille / 1000, w.abs().amax(1) * permille / 1000, bits, True, 0)[0]
            least = torch.minimum(least, (y - w).square().sum(1))
        i = len(searches)
        golden[f"weight.{i}.x"], golden[f"weight.{i}.error"] = w, least
        searches.append({"bits": bits})


def ranges():
    """Static ranges from values with a few outliers."""
    for name, x in {"normal": random.standard_normal(20000), "laplace": random.laplace(size=20000),
                    "outliers": np.concatenate([random.standard_normal(19990), random.standard_normal(10) * 60]),
                    "one-sided": np.abs(random.standard_normal(20000)) ** 1.5 - 0.17}.items():
        x = x.astype(np.float32)
        i, size = len(calibrations), np.abs(x)
        entry = {"name": name, "percentile": {}, "error": {}, "observer_error": {}}
        for p in (99.0, 99.9, 99.99):
            # Between two values of a sample there is no right answer: one to either side of numpy's own is as good.
            def around(values, percent):
                at = percent / 100 * (len(values) - 1)
                return [float(np.sort(values)[max(0, int(np.floor(at)) - 1)]), float(np.sort(values)[min(len(values) - 1, int(np.ceil(at)) + 1)])]
            assert around(size, p)[0] <= np.percentile(size, p) <= around(size, p)[1]
            entry["percentile"][str(p)] = {"symmetric": around(size, p), "low": around(x, (100 - p) / 2), "high": around(x, 100 - (100 - p) / 2)}
        t = torch.tensor(x)
        for bits in (4, 8):
            error = lambda low, high, sym: float((fake(t, torch.tensor(low), torch.tensor(high), bits, sym)[0] - t).square().mean())
            entry["error"][str(bits)] = min(error(-float(size.max()) * f / 500, float(size.max()) * f / 500, True) for f in range(2, 501))
            observer = HistogramObserver(bins=2048, dtype=torch.qint8, qscheme=torch.per_tensor_symmetric, quant_min=-(2 ** (bits - 1)) + 1, quant_max=2 ** (bits - 1) - 1)
            observer(t)
            scale, _ = observer.calculate_qparams()
            top = float(scale) * (2 ** (bits - 1) - 1)
            entry["observer_error"][str(bits)] = error(-top, top, True)
            # Asymmetric: by hand over both ends.
            lows, highs = np.linspace(0.02, 1, 50) * min(0, float(x.min())), np.linspace(0.02, 1, 50) * float(x.max())
            entry["error"][f"{bits}a"] = min(error(a, b, False) for a in lows for b in highs)
        # Migacz 2017: the divergence after each number of bins, by scipy.
        top = 2.0 ** np.ceil(np.log2(size.max()))
        counts, _ = np.histogram(size, bins=2048, range=(0, top))
        curve = np.full(2049, np.inf)
        for kept in range(128, int(np.nonzero(counts)[0][-1]) + 2):
            p = counts[:kept].astype(float)
            p[-1] += counts[kept:].sum()
            q = np.zeros(kept)
            edges = [level * kept // 128 for level in range(129)]
            for a, b in zip(edges[:-1], edges[1:]):
                filled = counts[a:b] > 0
                if filled.any():
                    q[a:b][filled] = counts[a:b].sum() / filled.sum()
            curve[kept] = scipy.stats.entropy(p, q)
        entry["bin"] = float(top / 2048)
        golden[f"range.{i}.x"] = t
        golden[f"range.{i}.divergence"] = torch.tensor(curve, dtype=torch.float32)
        calibrations.append(entry)
        print(f"{name:10} mse bound error {entry['error']}, observer {entry['observer_error']}")


def check():
    """The definitions above against gfloat's tables (Graphcore), where it is installed."""
    import gfloat.formats as f
    from gfloat import RoundMode, round_float
    of = {"mxfp8_e4m3": f.format_info_ocp_e4m3, "mxfp8_e5m2": f.format_info_ocp_e5m2, "mxfp6_e3m2": f.format_info_ocp_e3m2,
          "mxfp6_e2m3": f.format_info_ocp_e2m3, "mxfp4": f.format_info_ocp_e2m1}
    for name, info in of.items():
        x = np.concatenate([wide(4, 50).ravel(), values(name)[:64], (values(name)[1:] + values(name)[:-1])[:64] / 2])
        theirs = np.array([round_float(info, float(v), RoundMode.TiesToEven, sat=True) for v in x])
        assert np.array_equal(nearest(x, name), theirs), name
        print(f"{name}: as gfloat on {len(x)} values")


calibrations, searches = [], []
if "--check-with-gfloat" in sys.argv:
    check()
    sys.exit()
torch.set_num_threads(1)
formats()
integers()
weights()
ranges()
save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "formats.safetensors")
(HERE / "formats.safetensors").chmod(0o644)
(HERE / "formats.json").write_text(json.dumps({"cases": cases, "ranges": calibrations, "weights": searches}, indent=1) + "\n")
print(f"{len(cases)} cases")
