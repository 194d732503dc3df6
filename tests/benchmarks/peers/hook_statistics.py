#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of every site by PyTorch forward hooks, against this program's observing pass.

Usage: hook_statistics.py MODEL TEXT --bench build/dev/bench_observe [--length 256] [--rounds 3] [--threads 2]

MODEL is a Hugging Face folder or a GGUF file of the BERT or LLaMA family (torch, transformers; gguf for the latter).
The hooks gather, for every channel of every site, what the program's observation gathers: extremes, mean, variance,
skewness, kurtosis, energy, the share beyond 6, once over all tokens and once without each sequence's first, and the
largest tokens of a site. Both run on the same tokens count in turn, so that a machine that slows down slows both.
"""
import argparse
import re
import statistics
import subprocess
import time
from pathlib import Path

import torch
import transformers


class Statistics:
    """Running moments of one site's channels, merged batch by batch (Chan et al.; Pébay)."""

    def __init__(self):
        self.count = 0

    def add(self, x):
        x = x.reshape(-1, x.shape[-1])
        n = x.shape[0]
        wide = x.double()
        mean = wide.mean(0)
        centred = wide - mean
        squares = centred * centred
        m2, m3, m4 = squares.sum(0), (squares * centred).sum(0), (squares * squares).sum(0)
        low, high = x.amin(0), x.amax(0)
        energy, above = (wide * wide).sum(0), (x.abs() > 6).sum(0)
        peaks = x.abs().amax(1).topk(min(6, n)).values
        if self.count == 0:
            self.count, self.mean, self.m2, self.m3, self.m4 = n, mean, m2, m3, m4
            self.low, self.high, self.energy, self.above, self.peaks = low, high, energy, above, peaks
            return
        a, b = self.count, n
        total, delta = a + b, mean - self.mean
        self.m4 += m4 + delta**4 * a * b * (a * a - a * b + b * b) / total**3 + 6 * delta**2 * (
            a * a * m2 + b * b * self.m2) / total**2 + 4 * delta * (a * m3 - b * self.m3) / total
        self.m3 += m3 + delta**3 * a * b * (a - b) / total**2 + 3 * delta * (a * m2 - b * self.m2) / total
        self.m2 += m2 + delta**2 * a * b / total
        self.mean += delta * b / total
        self.count = total
        self.low, self.high = torch.minimum(self.low, low), torch.maximum(self.high, high)
        self.energy += energy
        self.above += above
        self.peaks = torch.cat([self.peaks, peaks]).topk(min(6, len(self.peaks) + len(peaks))).values

    def figures(self):
        variance = self.m2 / self.count
        return variance, self.m3 / self.count / variance**1.5, self.m4 / self.count / variance**2


class Hooks:
    def __init__(self, model):
        self.sites = {}
        self.handles = []
        names = dict(model.named_modules())
        for name, module in names.items():
            leaf = name.split(".")[-1]
            if isinstance(module, (torch.nn.Linear, torch.nn.Embedding, torch.nn.LayerNorm)) or "Norm" in type(
                    module).__name__:
                self.watch(module, name)
            if leaf in ("o_proj", "down_proj") or name.endswith("output.dense"):  # context, hidden
                self.watch(module, name + ".input", before=True)
            if leaf in ("post_attention_layernorm",) or name.endswith("output.LayerNorm"):  # the residual sums
                self.watch(module, name + ".input", before=True)
            if re.fullmatch(r"(.*\.)?layers?\.\d+", name) or leaf in ("self_attn", "self"):
                self.watch(module, name)

    def watch(self, module, name, before=False):
        def take(tensor, name):
            if not torch.is_tensor(tensor) or tensor.dim() < 3:
                return
            first = name + "!"  # without first tokens
            self.sites.setdefault(name, Statistics()).add(tensor)
            rest = tensor[..., 1:, :]
            if rest.shape[-2] > 0:
                self.sites.setdefault(first, Statistics()).add(rest)

        def after_hook(_, __, output):
            # attention's second result, its probabilities, is a site of its own
            for index, one in enumerate(output if isinstance(output, tuple) else (output,)):
                take(one, f"{name}#{index}" if index else name)

        def before_hook(_, inputs):
            take(inputs[0], name)

        self.handles.append(
            module.register_forward_pre_hook(before_hook) if before else module.register_forward_hook(after_hook))

    def remove(self):
        for handle in self.handles:
            handle.remove()


def load(path):
    path = Path(path)
    if path.suffix == ".gguf":
        arguments = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        model = transformers.AutoModelForCausalLM.from_pretrained(**arguments, attn_implementation="eager",
                                                                  dtype=torch.float32)
        return model.eval(), transformers.AutoTokenizer.from_pretrained(**arguments)
    model = transformers.AutoModel.from_pretrained(path, attn_implementation="eager", dtype=torch.float32)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(path)


def milliseconds(work):
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--bench", required=True, help="bench_observe, as built")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer = load(options.model)
    text = Path(options.text).read_text(encoding="utf-8")
    ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=options.length).input_ids
    assert ids.shape[1] == options.length, "the text is too short"

    def forward():
        with torch.inference_mode():
            model(input_ids=ids, output_attentions=True)

    plain, hooked, ours, ours_plain = [], [], [], []
    sites = 0
    for round_ in range(options.rounds + 1):
        out = subprocess.run([options.bench, options.model, options.text, str(options.length), "3",
                              str(options.threads)], check=True, capture_output=True, text=True).stdout
        numbers = re.search(r"plain ([\d.]+) ms, observed ([\d.]+) ms", out)
        once = min(milliseconds(forward) for _ in range(3))
        hooks = Hooks(model)
        forward()  # the first makes the accumulators
        seen = min(milliseconds(forward) for _ in range(3))
        sites = sum(not name.endswith("!") for name in hooks.sites)
        for statistic in hooks.sites.values():
            statistic.figures()
        hooks.remove()
        if round_ == 0:
            continue
        ours_plain.append(float(numbers[1]))
        ours.append(float(numbers[2]))
        plain.append(once)
        hooked.append(seen)
    middle = statistics.median
    print(f"{Path(options.model).name}, {options.length} tokens, {options.threads} threads, {sites} hooked tensors")
    print(f"torch: plain {middle(plain):.1f} ms, with hooks {middle(hooked):.1f} ms ({middle(hooked) / middle(plain):.2f} x)")
    print(f"ours:  plain {middle(ours_plain):.1f} ms, observing {middle(ours):.1f} ms "
          f"({middle(ours) / middle(ours_plain):.2f} x)")
    print(f"observing is {middle(hooked) / middle(ours):.2f} x as fast as the hooks; "
          f"what the statistics add: torch {middle(hooked) - middle(plain):.1f} ms, "
          f"ours {middle(ours) - middle(ours_plain):.1f} ms")


if __name__ == "__main__":
    main()
