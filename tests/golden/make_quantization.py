# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/quantization.json and .safetensors: what plain fake quantization makes of the tiny models, and
torch's own fake quantization of random tensors.

Needs: pip install torch==2.11.0 transformers==5.23.0 tokenizers==0.23.3 safetensors numpy
Run:   python tests/golden/make_quantization.py        (after make_transformers.py)

Two float32 computations of one model differ by about 1e-6, which flips a value that lies that close to the middle between two
levels, and one flip moves a logit by far more than any tolerance. So each case runs on the input, of many tried, whose
values stay farthest from every middle; then the same levels are hit and the logits agree as closely as without quantization.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

HERE = Path(__file__).parent
CANDIDATES = 60
WORDS = "the outlier channel of this layer grows and grid must stretch a short one most values are small few not so they".split()
F = torch.nn.functional


class Quantizer:
    """The recipe in plain operators. `statistics` gathers per-channel extremes first when ranges are static."""

    def __init__(self, recipe, postNorm, config):
        layers, p, scheme = config.num_hidden_layers, recipe["parameters"], recipe["scheme"]
        self.scheme, self.parameters = scheme, p
        self.hidden = config.hidden_size
        self.headSize = config.hidden_size // config.num_attention_heads
        self.cache = next((part["parameters"] for part in recipe["with"] if part["scheme"] == "kv-cache"), None)
        self.bits = int(p.get("activation_bits", 8))
        self.weightBits = int(p.get("weight_bits", 8))
        self.symmetric = p.get("symmetric", "on") == "on"
        self.perToken = p.get("activation") == "per-token" or scheme == "llm-int8"
        if scheme == "ablate":
            self.bits = self.weightBits = 16
        self.dynamic = self.perToken or p.get("dynamic") == "on"
        self.perChannel = p.get("weight", "per-channel") == "per-channel"
        self.whole = recipe["scope"] == "all-activations"
        origin = lambda s: s
        if postNorm and self.whole:  # names that stand for another's tensor
            def origin(s):
                for i in range(layers):
                    if s == f"layers.{i}.attn_input":
                        return "embedding" if i == 0 else f"layers.{i - 1}.mlp_norm"
                return s
        self.kept = {}
        for site, channels in recipe["kept"].items():
            self.kept.setdefault(origin(site), set()).update(channels)
        self.columns = dict(self.kept)
        if postNorm and self.whole:
            self.columns = {s: self.kept.get(origin(s), set()) for s in set(self.kept) | set(recipe["kept"])}
            for i in range(layers):
                self.columns[f"layers.{i}.attn_input"] = self.kept.get(origin(f"layers.{i}.attn_input"), set())
        self.high = {origin(s) for s in recipe["high_precision"]}
        self.ofSite = {}
        if scheme == "mixed":
            for name in p.get("sites", "mlp_residual/mlp_output").split("/"):
                for site in [name] if "." in name else [f"layers.{i}.{name}" for i in range(layers)]:
                    self.ofSite[origin(site)] = int(p.get("site_bits", 16))
        self.statistics, self.gathering, self.margin, self.out, self.noise = {}, False, 1.0, False, None

    def inliers(self, site, channels, kept):
        mask = torch.ones(channels, dtype=torch.bool)
        for c in kept.get(site, ()):
            mask[c] = False
        return mask

    def grid(self, low, high, bits, symmetric):
        if symmetric:
            top = 2 ** (bits - 1) - 1
            scale = torch.maximum(-low, high) / top
            zero, q = torch.zeros_like(scale), (-top, top)
        else:
            q = (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
            scale = (high - low) / (q[1] - q[0])
            zero = torch.round(q[0] - low / torch.where(scale > 0, scale, torch.ones(())))
        return torch.where(scale > 0, scale, torch.ones(())), zero, q

    def fake(self, x, low, high, bits, symmetric, watch=True):
        scale, zero, q = self.grid(low, high, bits, symmetric)
        y = x / scale + zero
        if watch:
            inside = (y > q[0] - 0.6) & (y < q[1] + 0.6)
            gap = ((y - torch.floor(y)) - 0.5).abs()[inside]
            if gap.numel():
                self.margin = min(self.margin, float(gap.min()))
        return (y.clamp(*q).round() - zero) * scale

    def formatted(self, x, format, rowwise, absmax=None):
        """Nearest of a format's listed values, on scales of the format's own. `absmax`: what a static scale comes from."""
        levels = LEVELS[format]
        size = {"mxfp4": 32, "mxfp8_e4m3": 32, "nvfp4": 16}.get(format)
        if size:
            padded = F.pad(x, (0, -x.shape[-1] % size)).unflatten(-1, (-1, size))
            largest = padded.abs().amax(-1, True)
            if format == "nvfp4":
                whole = x.abs().max() / (6 * 448)
                scale = self.nearest(largest / 6 / whole, LEVELS["e4m3"]) * whole
            else:
                power = torch.frexp(largest).exponent - 1.0
                scale = torch.where(largest > 0, 2.0 ** (power - int(np.log2(float(levels[-1])))), torch.ones(()))
            return (self.nearest(padded / torch.where(scale > 0, scale, torch.ones(())), levels) * scale).flatten(-2)[..., :x.shape[-1]]
        scale = (x.abs().amax(-1, True) if rowwise else x.abs().max() if absmax is None else absmax) / levels[-1]
        scale = torch.where(scale > 0, scale, torch.ones(()))
        return self.nearest(x / scale, levels) * scale

    def nearest(self, y, levels):
        if self.noise:
            y = y * (1 + 3e-6 * torch.randn(y.shape, generator=self.noise)) + 3e-7 * y.abs().max() * torch.randn(y.shape, generator=self.noise)
        middles, size = (levels[1:] + levels[:-1]) / 2, y.abs().contiguous()
        index = torch.bucketize(size, middles)
        tie = middles[index.clamp(max=len(middles) - 1)] == size  # of weights, which are stored in few bits: to the even code
        index = torch.where(tie, index + index % 2, index)
        return torch.sign(y) * levels[index]

    def cached(self, site, x):
        """Keys: a scale for each channel over runs of tokens; values: for each token in each head (KIVI)."""
        bits, run = int(self.cache.get("bits", 4)), int(self.cache.get("group", 32))
        fake = lambda part, dim: self.fake(part, part.amin(dim, True).clamp(max=0), part.amax(dim, True).clamp(min=0), bits, False)
        if site.endswith(".key"):
            return torch.cat([fake(part, 0) for part in x.split(run)])
        return torch.cat([fake(part, 1) for part in x.split(self.headSize, 1)], 1)

    def ablated(self, site, x):
        chosen, how = sorted(self.kept.get(site, ())), self.parameters.get("how", "zero")
        if not chosen or not site.endswith("." + self.parameters.get("place", "mlp_residual")):
            return x
        if self.gathering:
            self.statistics.setdefault(site, []).append(x)
            return x
        tokens = slice(0, 1 if self.parameters.get("tokens") == "first" else None)
        y = x.clone()
        if how == "zero":
            y[tokens, chosen] = 0
        else:
            seen = torch.cat(self.statistics[site])
            others = [c for c in range(x.shape[1]) if c not in chosen]
            bound = float(seen[:, others].abs().max())
            y[tokens, chosen] = seen.mean(0)[chosen] if how == "mean" else x[tokens, chosen].clamp(-bound, bound)
        return y

    def grouped(self, site, x):
        """PEG: channels sorted by range, K groups of equal size, a range each."""
        low, high = x.amin(0).clamp(max=0), x.amax(0).clamp(min=0)
        if self.gathering:
            a, b = self.statistics.get(site, (low, high))
            self.statistics[site] = (torch.minimum(a, low), torch.maximum(b, high))
            return x
        seen = self.statistics.get(site)
        order = np.argsort((seen[1] - seen[0]).numpy(), kind="stable") if self.parameters.get("permute", "on") == "on" else np.arange(x.shape[1])
        if not self.dynamic:
            low, high = seen
        y, count = x.clone(), min(int(self.parameters["groups"]), x.shape[1])
        for k in range(count):
            member = torch.tensor([int(c) for i, c in enumerate(order) if i * count // len(order) == k])
            y[:, member] = self.fake(x[:, member], low[member].min(), high[member].max(), self.bits, self.symmetric)
        return y

    def activation(self, site, x):
        if self.bits == 16 or site in self.high:
            return x
        mask = self.inliers(site, x.shape[-1], self.kept) if not site.endswith("attn_probs") else None
        inside = x if mask is None else torch.where(mask, x, torch.zeros(()))
        if self.scheme == "peg" and x.shape[-1] == self.hidden and mask is not None:  # as wide as the embedding
            return self.grouped(site, x)
        if self.scheme == "llm-int8" and mask is not None:  # columns with an outlier stay out
            mask = (x.abs() < float(self.parameters["threshold"])).all(0)
            self.margin = min(self.margin, float((x.abs() - float(self.parameters["threshold"])).abs().min()))
            inside = torch.where(mask, x, torch.zeros(()))
            self.out |= not bool(mask.all())
            if self.parameters.get("outliers") == "bitsandbytes":  # what stays below in them counts in a row's range
                inside = torch.where(x.abs() < float(self.parameters["threshold"]), x, torch.zeros(()))
        if self.scheme in ("fp8", "mx") and not self.gathering:
            static = self.scheme == "fp8" and not self.dynamic
            rounded = self.formatted(inside, self.parameters["format"], self.perToken, max(abs(float(v)) for v in self.statistics[site]) if static else None)
            return rounded if mask is None else torch.where(mask, rounded, x)
        if self.gathering:
            low, high = self.statistics.get(site, (torch.zeros(()), torch.zeros(())))
            self.statistics[site] = (torch.minimum(low, inside.min()), torch.maximum(high, inside.max()))
            return x
        if not self.dynamic:
            low, high = self.statistics[site]
        elif self.perToken:
            low, high = inside.amin(-1, True).clamp(max=0), inside.amax(-1, True).clamp(min=0)
        else:
            low, high = inside.min().clamp(max=0), inside.max().clamp(min=0)
        bits = self.ofSite.get(site, self.bits)
        rounded = self.fake(inside, low, high, bits, self.symmetric, bits < 16)  # of 65,536 levels some value is always near a middle
        return rounded if mask is None else torch.where(mask, rounded, x)

    def value(self, site, x):
        if self.scheme == "ablate":
            return self.ablated(site, x)
        if self.cache is not None and site.endswith((".key", ".value")):
            return x if self.gathering else self.cached(site, x)
        return self.activation(site, x) if self.whole else x

    def operand(self, site, x):
        return x if self.whole else self.activation(site, x)

    def weight(self, site, w):
        if self.gathering or self.weightBits == 16 or (not self.whole and site in self.high):
            return w
        mask = self.inliers(site, w.shape[1], self.columns)
        inside = torch.where(mask, w, torch.zeros(()))
        if self.scheme in ("fp8", "mx"):
            noise, self.noise = self.noise, None  # both sides round the same weight
            rounded = torch.where(mask, self.formatted(inside, self.parameters["format"], self.scheme == "fp8"), w)
            self.noise = noise
            return rounded
        low = inside.amin(1, True) if self.perChannel else inside.min()
        high = inside.amax(1, True) if self.perChannel else inside.max()
        return torch.where(mask, self.fake(inside, low.clamp(max=0), high.clamp(min=0), self.weightBits, True, False), w)

    def linear(self, site, x, w, b=None):
        if self.scheme == "llm-int8" and not self.gathering:  # out columns meet the weight as it was
            out = (x.abs() >= float(self.parameters["threshold"])).any(0)
            if self.parameters.get("outliers") == "bitsandbytes":  # which keeps the rounded one alone
                return F.linear(x, self.weight(site, w), b)
            return F.linear(x[:, ~out], self.weight(site, w)[:, ~out], b) + x[:, out] @ w[:, out].T
        return F.linear(x, self.weight(site, w), b)


def llama(w, c, q, ids):
    def norm(x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c.rms_norm_eps) * w[name]

    n, heads, shared = len(ids), c.num_attention_heads, c.num_key_value_heads
    size = c.hidden_size // heads
    inverse = 1 / 10000.0 ** (torch.arange(0, size, 2).float() / size)
    angle = torch.outer(torch.arange(n).float(), inverse)
    cos, sin = torch.cat([angle, angle], 1).cos(), torch.cat([angle, angle], 1).sin()

    def turn(x):  # [head, position, size]
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat([-b, a], -1) * sin

    x = q.value("embedding", w["model.embed_tokens.weight"][torch.tensor(ids)])
    for i in range(c.num_hidden_layers):
        s, p = f"layers.{i}.", f"model.layers.{i}."
        a = q.operand(s + "attn_input", q.value(s + "attn_input", norm(x, p + "input_layernorm.weight")))
        split = lambda t: t.view(n, -1, size).transpose(0, 1)
        query = turn(split(q.value(s + "query", q.linear(s + "attn_input", a, w[p + "self_attn.q_proj.weight"]))))
        key = turn(split(q.value(s + "key", q.linear(s + "attn_input", a, w[p + "self_attn.k_proj.weight"]))))
        value = split(q.value(s + "value", q.linear(s + "attn_input", a, w[p + "self_attn.v_proj.weight"])))
        key, value = key.repeat_interleave(heads // shared, 0), value.repeat_interleave(heads // shared, 0)
        scores = query @ key.transpose(1, 2) / size ** 0.5 + torch.full((n, n), float("-inf")).triu(1)
        probabilities = q.value(s + "attn_probs", scores.softmax(-1))
        context = (probabilities @ value).transpose(0, 1).reshape(n, -1)
        context = q.operand(s + "attn_context", q.value(s + "attn_context", context))
        x = q.value(s + "attn_residual", x + q.value(s + "attn_output", q.linear(s + "attn_context", context, w[p + "self_attn.o_proj.weight"])))
        f = q.operand(s + "mlp_input", q.value(s + "mlp_input", norm(x, p + "post_attention_layernorm.weight")))
        h = F.silu(q.linear(s + "mlp_input", f, w[p + "mlp.gate_proj.weight"])) * q.linear(s + "mlp_input", f, w[p + "mlp.up_proj.weight"])
        h = q.operand(s + "mlp_hidden", q.value(s + "mlp_hidden", h))
        x = q.value(s + "mlp_residual", x + q.value(s + "mlp_output", q.linear(s + "mlp_hidden", h, w[p + "mlp.down_proj.weight"])))
    return norm(x, "model.norm.weight") @ w["model.embed_tokens.weight"].T


def bert(w, c, q, ids):
    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], c.layer_norm_eps)

    def dense(site, x, name):
        return q.linear(site, x, w[name + ".weight"], w[name + ".bias"])

    n, heads, e = len(ids), c.num_attention_heads, "bert.embeddings."
    x = w[e + "word_embeddings.weight"][torch.tensor(ids)] + w[e + "token_type_embeddings.weight"][0] + w[e + "position_embeddings.weight"][:n]
    x = q.value("embedding", norm(x, e + "LayerNorm"))
    for i in range(c.num_hidden_layers):
        s, p = f"layers.{i}.", f"bert.encoder.layer.{i}."
        a = q.operand(s + "attn_input", x)
        split = lambda t: t.view(n, heads, -1).transpose(0, 1)
        query, key, value = (split(q.value(s + k, dense(s + "attn_input", a, p + "attention.self." + k))) for k in ("query", "key", "value"))
        probabilities = q.value(s + "attn_probs", (query @ key.transpose(1, 2) / (c.hidden_size // heads) ** 0.5).softmax(-1))
        context = q.operand(s + "attn_context", q.value(s + "attn_context", (probabilities @ value).transpose(0, 1).reshape(n, -1)))
        out = q.value(s + "attn_output", dense(s + "attn_context", context, p + "attention.output.dense"))
        x = q.value(s + "mlp_input", norm(q.value(s + "attn_residual", x + out), p + "attention.output.LayerNorm"))
        h = F.gelu(dense(s + "mlp_input", q.operand(s + "mlp_input", x), p + "intermediate.dense"), approximate="tanh")
        h = q.operand(s + "mlp_hidden", q.value(s + "mlp_hidden", h))
        out = q.value(s + "mlp_output", dense(s + "mlp_hidden", h, p + "output.dense"))
        x = q.value(s + "mlp_norm", norm(q.value(s + "mlp_residual", x + out), p + "output.LayerNorm"))
    pooled = torch.tanh(F.linear(x[0], w["bert.pooler.dense.weight"], w["bert.pooler.dense.bias"]))
    return F.linear(pooled, w["classifier.weight"], w["classifier.bias"])


LEVELS = {
    "e4m3": torch.arange(0, 127, dtype=torch.uint8).view(torch.float8_e4m3fn).float(),
    "e5m2": torch.arange(0, 124, dtype=torch.uint8).view(torch.float8_e5m2).float(),
    "mxfp4": torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6]),
}
LEVELS["mxfp8_e4m3"], LEVELS["nvfp4"] = LEVELS["e4m3"], LEVELS["mxfp4"]

MODELS = {"tiny-llama": (llama, AutoModelForCausalLM), "tiny-bert-classifier": (bert, AutoModelForSequenceClassification)}
DYNAMIC = {"dynamic": "on"}
KEPT = {"layers.0.attn_input": [5, 9], "layers.1.attn_input": [5], "layers.1.mlp_input": [5, 30], "layers.0.mlp_hidden": [0, 3]}
CASES = [
    ("dynamic per-tensor", DYNAMIC, "linear-inputs", {}, []),
    ("dynamic per-tensor, 4 bits", DYNAMIC | {"activation_bits": "4", "weight_bits": "4"}, "linear-inputs", {}, []),
    ("dynamic per-tensor, asymmetric", DYNAMIC | {"symmetric": "off"}, "linear-inputs", {}, []),
    ("per-token", {"activation": "per-token"}, "linear-inputs", {}, []),
    ("per-token, asymmetric, kept", {"activation": "per-token", "symmetric": "off"}, "linear-inputs", KEPT, []),
    ("activations alone", DYNAMIC | {"weight_bits": "16"}, "linear-inputs", {}, []),
    ("weights alone, per-tensor", {"activation_bits": "16", "weight": "per-tensor", "weight_bits": "3"}, "linear-inputs", {}, []),
    ("kept", DYNAMIC | {"weight": "per-tensor", "weight_bits": "4"}, "linear-inputs", KEPT, []),
    ("a site in high precision", DYNAMIC | {"weight_bits": "3"}, "linear-inputs", {}, ["layers.0.mlp_hidden", "layers.1.attn_input"]),
    ("static", {}, "linear-inputs", {}, []),
    ("static, asymmetric, kept", {"symmetric": "off"}, "linear-inputs", KEPT, []),
    ("everything, dynamic", DYNAMIC, "all-activations", {}, []),
    ("everything, per-token", {"activation": "per-token"}, "all-activations", {}, []),
    ("everything, dynamic, kept", DYNAMIC | {"weight_bits": "4"}, "all-activations", KEPT | {"layers.0.mlp_residual": [5], "embedding": [1]}, []),
    ("everything, static, asymmetric", {"symmetric": "off"}, "all-activations", {}, []),
    ("everything, static, kept, one site whole", {"symmetric": "off"}, "all-activations", KEPT | {"layers.1.mlp_residual": [5]},
     ["layers.0.mlp_output", "layers.1.attn_input"]),
]
CHOSEN = {"layers.0.mlp_residual": [5, 9], "layers.1.mlp_residual": [30]}
CASES = [(name, "w8a8", parameters, scope, kept, high, []) for name, parameters, scope, kept, high in CASES] + [
    ("PEG, static", "peg", {"groups": "3"}, "all-activations", {}, [], []),
    ("PEG, in order, dynamic", "peg", {"groups": "4", "permute": "off", "dynamic": "on", "symmetric": "off"}, "linear-inputs", {}, [], []),
    ("PEG, permuted, dynamic", "peg", {"groups": "5", "dynamic": "on"}, "linear-inputs", {}, [], []),
    ("LLM.int8", "llm-int8", {"threshold": "2.5", "weight_bits": "4"}, "linear-inputs", {}, [], []),
    ("mixed", "mixed", {"dynamic": "on"}, "all-activations", {}, [], []),
    ("mixed, a single site", "mixed", {"sites": "layers.1.mlp_hidden/attn_context", "symmetric": "off"}, "linear-inputs", {}, [], []),
    ("mixed, a place at 4 bits", "mixed", {"sites": "mlp_input", "site_bits": "4", "dynamic": "on"}, "linear-inputs", {}, [], []),
    ("a quantized cache", "w8a8", DYNAMIC, "linear-inputs", {}, [], [{"scheme": "kv-cache", "parameters": {"bits": "4", "group": "4"}}]),
    ("FP8, static", "fp8", {"format": "e4m3"}, "linear-inputs", {}, [], []),
    ("FP8, per-token, kept", "fp8", {"format": "e5m2", "activation": "per-token"}, "linear-inputs", KEPT, [], []),
    ("MXFP8", "mx", {"format": "mxfp8_e4m3"}, "linear-inputs", {}, [], []),
    ("MXFP4, kept", "mx", {"format": "mxfp4"}, "linear-inputs", KEPT, [], []),
    ("NVFP4", "mx", {"format": "nvfp4"}, "linear-inputs", {}, [], []),
    ("zeroed", "ablate", {}, "linear-inputs", CHOSEN, [], []),
    ("clamped", "ablate", {"how": "clamp", "place": "mlp_output"}, "linear-inputs", {"layers.0.mlp_output": [5, 9, 20], "layers.1.mlp_output": [5]}, [], []),
    ("zeroed, first token", "ablate", {"tokens": "first"}, "linear-inputs", CHOSEN, [], []),
    ("at their mean", "ablate", {"how": "mean"}, "linear-inputs", CHOSEN, [], []),
    ("LLM.int8 of bitsandbytes", "llm-int8", {"threshold": "2.5", "weight_bits": "4", "outliers": "bitsandbytes"}, "linear-inputs", {}, [], []),
]
WINDOWS, LENGTH, CALIBRATION = 2, 16, 3


@torch.no_grad()
def cases(golden):
    listed = []
    for model, (forward, kind) in MODELS.items():
        folder = HERE / model
        reference = kind.from_pretrained(folder, dtype=torch.float32).eval()
        weights, config = dict(reference.state_dict()), reference.config
        encoder = Tokenizer.from_file(str(folder / "tokenizer.json"))
        post = forward is bert
        text = encoder.encode((folder / "text.txt").read_text(), add_special_tokens=False).ids
        room = LENGTH - (2 if post else 0)
        windows = [text[i:i + room] for i in range(0, len(text) - room + 1, room)]
        if post:
            windows = [[encoder.token_to_id("[CLS]")] + w + [encoder.token_to_id("[SEP]")] for w in windows]
        plain = {"scheme": "w8a8", "with": [], "parameters": {"activation_bits": "16", "weight_bits": "16"}, "scope": "linear-inputs", "kept": {}, "high_precision": []}
        ids = windows[0]
        ours, theirs = forward(weights, config, Quantizer(plain, post, config), ids), reference(torch.tensor([ids])).logits[0]
        assert (ours - theirs).abs().max() < 2e-5, model  # the plain forward is the model
        generator = np.random.default_rng(11)
        for name, scheme, parameters, scope, kept, high, more in CASES:
            recipe = {"schema": 1, "scheme": scheme, "parameters": parameters, "with": more, "scope": scope, "kept": kept, "high_precision": high}
            quantizer = Quantizer(recipe, post, config)
            static = not quantizer.dynamic and quantizer.bits != 16
            if scheme == "peg":
                static = not quantizer.dynamic or parameters.get("permute", "on") == "on"
            if scheme == "ablate":
                static = parameters.get("how", "zero") != "zero"
            if scheme == "mx":
                static = False
            if static:
                quantizer.gathering = True
                for w in windows[WINDOWS:WINDOWS + CALIBRATION]:
                    forward(weights, config, quantizer, w)
                quantizer.gathering = False
            best = (-1,)
            for _ in range(CANDIDATES):
                sentence = " ".join(generator.choice(WORDS, 3))
                ids = encoder.encode(sentence).ids
                quantizer.margin = 1.0
                logits = forward(weights, config, quantizer, ids)
                gap = quantizer.margin  # of the integers that there are
                if scheme in ("fp8", "mx", "mixed"):  # steps of many sizes: the sentence that a little noise moves least
                    quantizer.noise = torch.Generator().manual_seed(3)
                    moved = max(float((forward(weights, config, quantizer, ids) - logits).abs().max()) for _ in range(6))
                    quantizer.noise, quantizer.margin = None, gap / (1 + 1e4 * moved)
                if quantizer.margin > best[0]:
                    best = (quantizer.margin, sentence, logits)
            i = len(listed)
            if scheme == "llm-int8":
                assert quantizer.out, name  # some channel was over the threshold
            listed.append({"name": name, "model": model, "recipe": recipe, "text": best[1], "static": static, "margin": best[0]})
            golden[f"{i}.logits"] = best[2]
            print(f"{model:22} {name:45} margin {best[0]:.1e}")
    return {"windows": WINDOWS, "length": LENGTH, "calibration": CALIBRATION, "cases": listed}


def roundings(golden):
    """torch.fake_quantize_per_tensor_affine on random values; those within 1e-3 of a middle left out, ties put in on purpose."""
    grids = []
    generator = torch.Generator().manual_seed(5)
    for bits in (2, 3, 4, 8):
        for symmetric in (True, False):
            x = torch.randn(400, generator=generator) * 3 + (0 if symmetric else 1.5)
            low, high = float(x.min()), float(x.max())
            top = 2 ** (bits - 1) - 1
            bottom = -top if symmetric else -top - 1
            scale = np.float32(max(-low, high)) / np.float32(top) if symmetric else (np.float32(high) - np.float32(low)) / np.float32(top - bottom)
            zero = 0 if symmetric else int(np.rint(np.float32(bottom) - np.float32(low) / scale))
            y = x / float(scale)
            x = x[((y - y.floor()) - 0.5).abs() > 1e-3]
            i = len(grids)
            golden[f"rounding.{i}.x"] = x
            golden[f"rounding.{i}.y"] = torch.fake_quantize_per_tensor_affine(x, float(scale), zero, bottom, top)
            grids.append({"bits": bits, "symmetric": symmetric, "min": low, "max": high, "scale": float(scale), "zero": zero})
    golden["ties.x"] = torch.arange(-40, 41) * 0.125  # scale 0.25: every other value is a tie
    golden["ties.y"] = torch.fake_quantize_per_tensor_affine(golden["ties.x"], 0.25, 0, -7, 7)
    return grids


golden = {}
torch.set_num_threads(1)
listed = cases(golden)
listed["roundings"] = roundings(golden)
save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "quantization.safetensors")
(HERE / "quantization.json").write_text(json.dumps(listed, indent=1) + "\n")
