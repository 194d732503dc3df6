#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kurtoscope bench beside other engines, in turn, on the same weights and token ids. See README.md."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engines import ENGINES, ON_CUDA, limit_threads
from token_ids import token_ids

ROOT = Path(__file__).resolve().parents[3]
MODELS = {
    "minilm": ("all-MiniLM-L6-v2", "encoder", 30522),
    "smollm2": ("SmolLM2-135M-Instruct.Q4_1.gguf", "decoder", 49152),
}
OURS = {
    "kurtoscope fp32": "fp32",
    "kurtoscope w8a8 static": "w8a8",
    "kurtoscope w8a8 per token": "w8a8:activation=per-token",
    "kurtoscope bf16": "bf16",
}
OURS_ON_CUDA = {"kurtoscope fp16": "fp16", "kurtoscope w8a8 per token, 8 kept": "w8a8:activation=per-token,keep=top:8"}
# A decoder's output head and attention, which recipes leave in float32 and transformers' bfloat16 does not.
OF_DECODERS = {
    "kurtoscope w8a8, head and attention too": "w8a8+head+attention",
    "kurtoscope w8a8 per token, head and attention too": "w8a8:activation=per-token+head+attention",
    "kurtoscope bf16, head and attention too": "bf16+head+attention",
}


def timed(run, ids, seconds, most):
    """Milliseconds of single passes for about `seconds`, at least two."""
    taken = []
    begin = time.perf_counter()
    while len(taken) < 2 or (len(taken) < most and time.perf_counter() - begin < seconds):
        start = time.perf_counter()
        run(ids)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def ours(binary, model, recipes, batch, length, threads, seed, runs, device):
    """One process: all of our recipes in turn. Median milliseconds of each, and which arithmetic ran."""
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        command = [str(binary), "bench", str(model), "--batch", str(batch), "--length", str(length)]
        command += ["--threads", str(threads), "--seed", str(seed), "--runs", str(runs), "--json", target.name]
        command += ["--device", device]
        for recipe in recipes.values():
            command += ["--recipe", recipe]
        ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if ran.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{ran.stderr.strip()}")
        report = json.loads(Path(target.name).read_text())
    found = {}
    for result, name in zip(report["results"], recipes):
        found[name] = (result["latency_ms"]["p50"], result["kernels"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--path", help="another folder or GGUF of the same family")
    parser.add_argument("--shape", action="append", help="BATCHxLENGTH; may be given often")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each contender in a round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="engines whose name begins so; may be given often")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/kurtoscope")
    parser.add_argument("--prepare", action="store_true", help="convert and quantize, time nothing")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    limit_threads(arguments.threads)

    name, kind, vocabulary = MODELS[arguments.model]
    model = Path(arguments.path) if arguments.path else ROOT / "build/models" / name
    recipes = OURS | (OF_DECODERS if kind == "decoder" else {})
    if arguments.device == "cuda":
        recipes |= OURS_ON_CUDA
    cache = ROOT / "build/peers-cache" / model.name
    cache.mkdir(parents=True, exist_ok=True)
    engines = {}
    for engine, load in (ENGINES if arguments.device == "cpu" else ON_CUDA).items():
        if arguments.only and not any(engine.startswith(word) for word in arguments.only):
            continue
        try:
            run = load(model, kind, arguments.threads, cache)
            run(token_ids(1, 16, vocabulary, 1))
            engines[engine] = run
        except Exception as reason:  # whatever it is, the others go on
            print(f"{engine}: left out ({type(reason).__name__}: {str(reason).splitlines()[0][:90]})", file=sys.stderr)
    if arguments.prepare:
        return

    report = []
    for shape in arguments.shape or ["8x128"]:
        batch, length = map(int, shape.split("x"))
        ids = token_ids(batch, length, vocabulary, arguments.seed)
        taken = {engine: [] for engine in engines}
        mine = {}
        for run in engines.values():
            run(ids)  # warm
        for _ in range(arguments.rounds):
            for label, (median, tag) in ours(arguments.binary, model, recipes, batch, length, arguments.threads,
                                             arguments.seed, 10, arguments.device).items():
                mine.setdefault((label, tag), []).append(median)
            for engine, run in engines.items():
                taken[engine] += timed(run, ids, arguments.seconds, 50)
        rows = [(statistics.median(values), f"{label} ({tag})") for (label, tag), values in mine.items()]
        rows += [(statistics.median(values), engine) for engine, values in taken.items()]
        reference = {label: statistics.median(values) for (label, _), values in mine.items()}
        where = "a GPU" if arguments.device == "cuda" else f"{arguments.threads} threads"
        print(f"\n{name}, {batch} × {length} tokens, {where}, {arguments.rounds} rounds")
        columns = {label: label.removeprefix("kurtoscope ").replace(", head and attention too", " +")
                   for label in reference}
        print(f"{'':58}{'ms':>9}" + "".join(f"{'/ ' + column:>20}" for column in columns.values()))
        for median, label in sorted(rows):
            ratios = "".join(f"{median / own:20.2f}" for own in reference.values())
            print(f"{label:58}{median:9.2f}{ratios}")
        report.append({"batch": batch, "length": length, "threads": arguments.threads,
                       "median_ms": {label: median for median, label in rows}})
    if arguments.json:
        arguments.json.write_text(json.dumps({"model": name, "shapes": report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
