# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/transforms.json and .safetensors: the tiny models smoothed, rotated, scaled and solved for, by plain
implementations of the papers' formulas around Hugging Face's own models. Nothing is folded here: each linear layer's input is
changed in a hook and its weight is changed once.

Needs: pip install torch==2.11.0 transformers==5.23.0 tokenizers==0.23.3 safetensors numpy scipy
Run:   python tests/golden/make_transforms.py        (after make_transformers.py)

GPTQ follows equations (2) and (3) of arXiv 2210.17323: after each column its row and column are eliminated from the inverse; no
Cholesky factor, no lazy blocks, float64. As in make_quantization.py, each case runs on the input, of many tried, whose values stay
farthest from the middle between two levels. Weights and calibration text have to keep clear of it too, and a search has to find a
clear best: of several values for one parameter (@ in the recipe) a case takes the one that keeps farthest.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.linalg import hadamard as sylvester
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

HERE = Path(__file__).parent
CANDIDATES = 60
WINDOWS, LENGTH, CALIBRATION = 2, 16, 3
WORDS = "the outlier channel of this layer grows and grid must stretch a short one most values are small few not so they".split()
MARGIN = {"weight": 1.0, "search": 1.0}  # of the case at hand


def levels(low, high, bits, symmetric):
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    top = 2 ** (bits - 1) - 1 if symmetric else 2 ** bits - 1
    scale = (np.maximum(-low, high) if symmetric else high - low) / top
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32).astype(np.float64)
    return scale, (np.zeros_like(scale) if symmetric else np.rint(-low / scale)), (-top if symmetric else 0), top


def near(x, grid, margin=None):
    scale, zero, low, high = grid
    y = x / scale + zero
    if margin:
        inside = (y > low - 0.6) & (y < high + 0.6)
        if inside.any():
            MARGIN[margin] = min(MARGIN[margin], float(np.abs(y - np.floor(y) - 0.5)[inside].min()) / high)
    return (np.rint(np.clip(y, low, high)) - zero) * scale


def rounded(w, rule, kept=(), margin=None):
    """Nearest levels of w [out, in], one grid for each output and group of inputs; kept columns left alone."""
    out, inputs = w.copy(), [c for c in range(w.shape[1]) if c not in kept]
    size = rule["group"] or w.shape[1]
    for begin in range(0, w.shape[1], size):
        members = [c for c in inputs if begin <= c < begin + size]
        if members:
            part = w[:, members]
            grid = levels(part.min(1, keepdims=True), part.max(1, keepdims=True), rule["bits"], rule["symmetric"])
            # In float32 like ours, which makes the same of a stored half-way value: float16 weights have them.
            out[:, members] = near(part, [np.float32(g) for g in grid], margin)
    return out


def gptq(w, gram, rule, kept):
    out, w = w.copy(), w.astype(np.float64)
    order = [c for c in range(w.shape[1]) if c not in kept]
    if rule.get("act_order"):
        order.sort(key=lambda c: -gram[c, c])
    hessian = gram[np.ix_(order, order)].astype(np.float64)
    hessian += np.eye(len(order)) * rule.get("damping", 0.01) * np.mean(np.diag(hessian))
    inverse, rest, current = np.linalg.inv(hessian), w[:, order], None
    size = rule["group"] or w.shape[1]
    fixed = {}
    if rule.get("act_order") or not rule["group"]:
        for g in {c // size for c in order}:
            part = w[:, [c for c in order if c // size == g]]
            fixed[g] = levels(part.min(1), part.max(1), rule["bits"], rule["symmetric"])
    for i, c in enumerate(order):
        if fixed:
            grid = fixed[c // size]
        elif i == 0 or c // size != order[i - 1] // size:
            part = rest[:, : sum(1 for o in order[i:] if o // size == c // size)]
            grid = levels(part.min(1), part.max(1), rule["bits"], rule["symmetric"])
        q = near(rest[:, 0], grid, "weight")
        error = (rest[:, 0] - q) / inverse[0, 0]
        rest = (rest - np.outer(error, inverse[0]))[:, 1:]
        inverse = (inverse - np.outer(inverse[:, 0], inverse[0]) / inverse[0, 0])[1:, 1:]
        out[:, c] = q
    return out.astype(np.float32)


def clipped(w, gram, rule, kept):
    """Of 1, 0.95 … 0.55 of each range's largest magnitude the clamp whose nearest levels let the output err least."""
    out, size = w.copy(), rule["group"] or w.shape[1]
    for begin in range(0, w.shape[1], size):
        members = [c for c in range(begin, min(begin + size, w.shape[1])) if c not in kept]
        if not members:
            continue
        part, mine = w[:, members], gram[np.ix_(members, members)]
        reach, made, errors = np.abs(part).max(1, keepdims=True), [], []
        for step in range(10):
            bound = reach * np.float32(1 - step / 20)
            clamped = np.clip(part, -bound, bound)
            grid = [np.float32(g) for g in levels(clamped.min(1, keepdims=True), clamped.max(1, keepdims=True), rule["bits"], rule["symmetric"])]
            made.append(near(clamped, grid, "weight"))
            off = made[-1].astype(np.float64) - part
            errors.append(((off @ mine) * off).sum(1))
        made, errors = np.array(made), np.array(errors)
        two = np.sort(errors, 0)[:2]
        MARGIN["search"] = min(MARGIN["search"], float(((two[1] - two[0]) / two[0]).min()))
        out[:, members] = made[errors.argmin(0), np.arange(len(w))]
    return out


def paley_one(q):
    squares = {a * a % q for a in range(1, q)}
    chi = lambda a: 0 if a % q == 0 else 1 if a % q in squares else -1
    h = np.ones((q + 1, q + 1))
    h[1:, 0] = -1
    h[1:, 1:] = [[chi(a - b) + (a == b) for b in range(q)] for a in range(q)]
    return h


def rotation(n, kind, seed):
    if kind == "random":
        q, r = torch.linalg.qr(torch.randn((n, n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
        return (q * torch.where(r.diagonal() < 0, -1.0, 1.0)).numpy()
    signs = torch.randint(0, 2, (n,), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).numpy() * 2 - 1
    h = sylvester(n) if n & (n - 1) == 0 else np.kron(sylvester(n // 12), paley_one(11))
    assert (h @ h.T == n * np.eye(n)).all()
    return signs[:, None] * h / np.sqrt(n)


class Emulated:
    """A Hugging Face model whose linear inputs are changed and rounded in hooks."""

    def __init__(self, model, kind):
        self.model, self.llama = kind.from_pretrained(HERE / model, dtype=torch.float32).eval(), "llama" in model
        self.sites, self.norms, modules = {}, {}, dict(self.model.named_modules())
        for i in range(self.model.config.num_hidden_layers):
            p = f"model.layers.{i}." if self.llama else f"bert.encoder.layer.{i}."
            parts = {"attn_input": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "attn_context": ["self_attn.o_proj"],
                     "mlp_input": ["mlp.gate_proj", "mlp.up_proj"], "mlp_hidden": ["mlp.down_proj"]} if self.llama else {
                     "attn_input": ["attention.self.query", "attention.self.key", "attention.self.value"],
                     "attn_context": ["attention.output.dense"], "mlp_input": ["intermediate.dense"], "mlp_hidden": ["output.dense"]}
            for place, names in parts.items():
                self.sites[f"layers.{i}.{place}"] = [modules[p + name] for name in names]
            if self.llama:
                self.norms[f"layers.{i}.attn_input"] = modules[p + "input_layernorm"].weight.numpy(force=True)
                self.norms[f"layers.{i}.mlp_input"] = modules[p + "post_attention_layernorm"].weight.numpy(force=True)
        self.change = {s: lambda x: x for s in self.sites}
        self.round, self.seen, self.kept = {s: None for s in self.sites}, {}, {}
        for site, linears in self.sites.items():
            for number, linear in enumerate(linears):
                linear.register_forward_pre_hook(lambda _, args, s=site, first=number == 0: self.hook(s, args[0], first))

    def hook(self, site, x, first):
        x = self.change[site](x)
        if self.round[site]:
            x = self.round[site](x)
        if first:
            self.seen.setdefault(site, []).append(x.reshape(-1, x.shape[-1]).numpy().copy())
        return x

    def run(self, windows):
        self.seen = {}
        return [self.model(torch.tensor([w])).logits[0] for w in windows]

    def inputs(self, site):
        return np.concatenate(self.seen[site])

    def weights(self, site):
        return [m.weight.detach().numpy() for m in self.sites[site]]

    def setWeights(self, site, weights):
        for m, w in zip(self.sites[site], weights):
            m.weight.data = torch.from_numpy(np.ascontiguousarray(w, dtype=np.float32))

    def turnStream(self, turn):
        """What writes into the stream makes it turned, and rounds so; its readers' norms see it turned back."""
        by = torch.from_numpy(np.float32(turn))
        for site, modules in self.sites.items():
            if site.endswith(("attn_context", "mlp_hidden")):
                self.setWeights(site, [np.float32(turn).T.astype(np.float64) @ w for w in self.weights(site)])
                modules[0].register_forward_hook(lambda _, __, y: y @ by.T)

    def divide(self, site, s):
        before, by = self.change[site], torch.from_numpy(np.float32(s))
        self.change[site] = lambda x: before(x) / by
        self.setWeights(site, [w * np.float32(s) for w in self.weights(site)])

    def rotate(self, site, turn, norm=None):
        before, by = self.change[site], torch.from_numpy(np.float32(turn))
        scale = torch.ones(turn.shape[0]) if norm is None else torch.from_numpy(norm)
        self.change[site] = lambda x: (before(x) / scale) @ by
        self.setWeights(site, [(w.astype(np.float64) * scale.numpy()) @ np.float32(turn) for w in self.weights(site)])

    def heads(self, site, x):
        """Query heads that read one value head share a scale: the largest."""
        if not site.endswith("attn_context"):
            return x
        c = self.model.config
        shared = getattr(c, "num_key_value_heads", c.num_attention_heads)
        x = x.reshape(shared, c.num_attention_heads // shared, -1)
        return np.broadcast_to(x.max(1, keepdims=True), x.shape).reshape(-1)


def activationRounding(rule, inlier, extent=None):
    def apply(x, watch=None):
        inside = torch.where(inlier, x, torch.zeros(()))
        bound = inside.abs().amax(-1, keepdim=True) if extent is None else torch.tensor(extent)
        scale = (bound / (2 ** (rule["bits"] - 1) - 1)).to(torch.float32)
        scale = torch.where(scale > 0, scale, torch.ones(()))
        y, top = inside / scale, 2 ** (rule["bits"] - 1) - 1
        counted = y[y.abs() < top + 0.6]
        MARGIN["activation"] = min(MARGIN["activation"], float(((counted - counted.floor()) - 0.5).abs().min()) / top)
        return torch.where(inlier, y.clamp(-top, top).round() * scale, x)
    return apply


def least(errors):
    """Index of the smallest, and how clear it is."""
    order = np.argsort(errors)
    MARGIN["search"] = min(MARGIN["search"], float((errors[order[1]] - errors[order[0]]) / errors[order[0]]))
    return int(order[0])


def smooth(e, case, windows):
    e.run(windows)
    seen = {s: e.inputs(s) for s in e.sites}
    for site in e.sites:
        x, ws = seen[site], e.weights(site)
        a, b = e.heads(site, np.abs(x).max(0)), e.heads(site, np.max([np.abs(w).max(0) for w in ws], 0))
        divisor = lambda alpha: a ** alpha / b ** (1 - alpha)
        alpha = case["smooth"]
        if alpha == "search":
            def error(alpha):
                s, total = divisor(alpha), 0
                bound = np.abs(x / s).max(1, keepdims=True) / 127
                off = np.rint(x / s / bound) * bound
                for w in ws:
                    total += ((off @ rounded(w * s, case["weight"]).T - x @ w.T) ** 2).sum()
                return total
            alpha = least([error(t / 10) for t in range(11)]) / 10
        e.divide(site, divisor(alpha))


def awq(e, case, windows):
    e.run(windows)
    seen = {s: e.inputs(s) for s in e.sites}
    for site in e.sites:
        x, ws = seen[site].astype(np.float64), e.weights(site)
        mean = e.heads(site, np.abs(x).mean(0)).clip(1e-4)

        def divisor(alpha):
            s = mean ** alpha
            return s / np.sqrt(s.max() * s.min())

        def error(alpha):
            s = divisor(alpha)
            return sum(((x @ (rounded(w * s, case["weight"]) / s - w).T) ** 2).sum() for w in ws)
        alpha = case["awq"]
        e.divide(site, divisor(least([error(t / 20) for t in range(20)]) / 20 if alpha == "search" else alpha))


def rotate(e, case, windows):
    if case["rotate"]["where"] == "residual":
        e.turnStream(rotation(e.model.config.hidden_size, case["rotate"]["kind"], case["rotate"]["seed"]))
    for site, modules in e.sites.items():
        n, inner = modules[0].weight.shape[1], site.endswith(("attn_context", "mlp_hidden"))
        turn = rotation(n, case["rotate"]["kind"], case["rotate"]["seed"])
        if inner and not case["rotate"].get("online", True):
            continue
        stream = case["rotate"]["where"] == "residual" and not inner
        e.rotate(site, turn, e.norms[site] if stream else None)


def prepare(model, kind, case, windows):
    """The case's model, ready to run."""
    e = Emulated(model, kind)
    for name, act in (("smooth", smooth), ("awq", awq), ("rotate", rotate)):
        if name in case:
            act(e, case, windows)
    inlier = {s: torch.ones(m[0].weight.shape[1], dtype=torch.bool) for s, m in e.sites.items()}
    for site, channels in case.get("kept", {}).items():
        inlier[site][channels] = False
    if "activation" in case:
        e.run(windows)
        extents = {s: float(np.abs(e.inputs(s))[:, inlier[s].numpy()].max()) for s in e.sites} if case["activation"].get("static") else {}
        for site in e.sites:
            e.round[site] = activationRounding(case["activation"], inlier[site], extents.get(site))
    if "weight" in case:
        for layer in range(e.model.config.num_hidden_layers):
            mine = [s for s in e.sites if s.startswith(f"layers.{layer}.")]
            e.run(windows)
            seen = {s: e.inputs(s).astype(np.float64) for s in mine}
            for site in mine:
                kept, x = case.get("kept", {}).get(site, ()), seen[site]
                gram, rule = x.T @ x / len(x), case["weight"]

                def solve(number, w):
                    if rule.get("gptq"):
                        return gptq(w, gram, rule, kept)
                    if rule.get("clip") and not (site.endswith("attn_input") and number < 2):  # queries and keys
                        return clipped(w, gram, rule, kept)
                    return rounded(w, rule, kept, "weight")
                e.setWeights(site, [solve(number, w) for number, w in enumerate(e.weights(site))])
    return e


def weight(bits, group=0, symmetric=True, **more):
    return {"bits": bits, "group": group, "symmetric": symmetric, **more}


KEPT = {"layers.0.attn_input": [5, 9], "layers.1.mlp_input": [5, 30], "layers.0.mlp_hidden": [0, 3]}
TOKEN, STATIC = {"bits": 8}, {"bits": 8, "static": True}
ALPHAS = [0.5, 0.45, 0.55, 0.6, 0.65, 0.7, 0.35]
GROUPS = [0, 12, 16, 20, 24, 28]
turned = lambda where, seed=0, kind="hadamard", **more: {"where": where, "kind": kind, "seed": seed, **more}
CASES = [  # recipe, what it means, values of @
    ("smoothquant:alpha=@", lambda a: {"smooth": a, "activation": TOKEN, "weight": weight(8)}, ALPHAS),
    ("smoothquant:activation=per-tensor,alpha=@", lambda a: {"smooth": a, "activation": STATIC, "weight": weight(8)}, ALPHAS),
    ("smoothquant:activation_bits=16,alpha=@,weight_bits=4", lambda a: {"smooth": a, "weight": weight(4)}, ALPHAS),
    ("smoothquant:search=on,weight_bits=@", lambda b: {"smooth": "search", "activation": TOKEN, "weight": weight(b)}, [8, 7, 6]),
    ("smoothquant:alpha=@+w8a8:activation=per-tensor", lambda a: {"smooth": a, "activation": STATIC, "weight": weight(8), "kept": KEPT}, ALPHAS),
    ("rotation:seed=@,where=inputs", lambda s: {"rotate": turned("inputs", s), "activation": TOKEN, "weight": weight(8)}, range(1, 8)),
    ("rotation:activation=per-tensor,kind=random,seed=@,where=inputs",
     lambda s: {"rotate": turned("inputs", s, "random"), "activation": STATIC, "weight": weight(8)}, range(1, 8)),
    ("rotation:activation_bits=4,seed=@,weight_bits=4,where=inputs",
     lambda s: {"rotate": turned("inputs", s), "activation": {"bits": 4}, "weight": weight(4)}, range(1, 8)),
    ("rotation:seed=@", lambda s: {"rotate": turned("residual", s), "activation": TOKEN, "weight": weight(8), "family": "llama"}, range(1, 8)),
    ("rotation:online=off,seed=@,weight_bits=4,where=residual",
     lambda s: {"rotate": turned("residual", s, online=False), "activation": TOKEN, "weight": weight(4), "family": "llama"}, range(1, 8)),
    ("rtn:bits=3,group=@", lambda g: {"weight": weight(3, g)}, GROUPS),
    ("rtn:activation_bits=8,group=@,symmetric=off", lambda g: {"activation": TOKEN, "weight": weight(4, g, False), "kept": KEPT}, GROUPS),
    ("gptq:damping=@,group=0", lambda d: {"weight": weight(4, gptq=True, damping=d)}, [0.01, 0.02, 0.03]),
    ("gptq:bits=3,damping=@,group=12,symmetric=off", lambda d: {"weight": weight(3, 12, False, gptq=True, damping=d)}, [0.01, 0.02, 0.03]),
    ("gptq:act_order=on,bits=3,damping=@,group=16",
     lambda d: {"weight": weight(3, 16, gptq=True, act_order=True, damping=d), "kept": KEPT}, [0.01, 0.03, 0.05]),
    ("gptq:activation_bits=8,damping=@,group=16",
     lambda d: {"activation": TOKEN, "weight": weight(4, 16, gptq=True, damping=d), "kept": KEPT}, [0.01, 0.02, 0.03, 0.04, 0.05]),
    ("awq:clip=off,group=@", lambda g: {"awq": "search", "weight": weight(4, g, False)}, GROUPS),
    ("awq:alpha=@,bits=3,clip=off,group=0,search=off,symmetric=on", lambda a: {"awq": a, "weight": weight(3)}, ALPHAS),
    # Symmetric: a range with a zero point that was clamped at both ends has its ends half-way between levels.
    ("awq:group=@,symmetric=on", lambda g: {"awq": "search", "weight": weight(4, g, clip=True)}, GROUPS),
    ("awq:alpha=@,bits=3,group=16,search=off,symmetric=on",
     lambda a: {"awq": a, "weight": weight(3, 16, clip=True), "kept": KEPT}, ALPHAS),
    ("smoothquant:alpha=@+gptq:group=16+w8a8:activation=per-token",
     lambda a: {"smooth": a, "activation": TOKEN, "weight": weight(4, 16, gptq=True)}, ALPHAS),
    ("rotation:seed=@,where=inputs+gptq:group=0", lambda s: {"rotate": turned("inputs", s), "activation": TOKEN, "weight": weight(4, gptq=True)}, range(1, 80)),
]
MODELS = {"tiny-llama": AutoModelForCausalLM, "tiny-bert-classifier": AutoModelForSequenceClassification}


@torch.no_grad()
def cases(golden):
    listed = []
    for model, kind in MODELS.items():
        encoder, post = Tokenizer.from_file(str(HERE / model / "tokenizer.json")), "bert" in model
        text = encoder.encode((HERE / model / "text.txt").read_text(), add_special_tokens=False).ids
        room = LENGTH - (2 if post else 0)
        windows = [text[i:i + room] for i in range(0, len(text) - room + 1, room)]
        if post:
            windows = [[encoder.token_to_id("[CLS]")] + w + [encoder.token_to_id("[SEP]")] for w in windows]
        generator = np.random.default_rng(11)
        for recipe, meaning, values in CASES:
            if meaning(1).get("family", "") not in model:
                continue
            chosen = (-1,)
            for value in values:
                MARGIN.update(weight=1.0, search=1.0, activation=1.0)
                emulated = prepare(model, kind, meaning(value), windows[WINDOWS:WINDOWS + CALIBRATION])
                # Weights and values are off by some 1e-7 of the largest, a search's errors by far less than they differ.
                clear = min(MARGIN["weight"], MARGIN["activation"], MARGIN["search"] / 100)
                if clear > chosen[0]:
                    chosen = (clear, value, emulated)
            clear, value, emulated = chosen
            best = (-1,)
            for _ in range(CANDIDATES):
                sentence = " ".join(generator.choice(WORDS, 3))
                MARGIN["activation"] = 1.0
                logits = emulated.run([encoder.encode(sentence).ids])[0]
                if MARGIN["activation"] > best[0]:
                    best = (MARGIN["activation"], sentence, logits)
            recipe = recipe.replace("@", str(value))
            print(f"{model:22} {recipe:75} clear by {clear:.1e}, the text by {best[0]:.1e}")
            golden[f"{len(listed)}.logits"] = best[2]
            listed.append({"model": model, "recipe": recipe, "kept": meaning(value).get("kept", {}), "text": best[1]})
    return {"windows": WINDOWS, "length": LENGTH, "calibration": CALIBRATION, "cases": listed}


golden = {}
torch.set_num_threads(1)
listed = cases(golden)
save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "transforms.safetensors")
(HERE / "transforms.json").write_text(json.dumps(listed, indent=1) + "\n")
