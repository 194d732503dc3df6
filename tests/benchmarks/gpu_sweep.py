#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times INT8 and FP8 against FP16 and FP32 on an NVIDIA GPU, with and without CUDA graphs.

    tests/benchmarks/gpu_sweep.py --kurtoscope build/headless/kurtoscope [--out FOLDER]

First shows the bundled model by each kind of product beside its simulation. Then makes two models of random weights,
shaped like BERT-base and like a LLaMA of a billion parameters, runs `kurtoscope bench` over batch × length, and prints the
tables that resources/pages/performance.md takes. Needs Python alone; a quarter of an hour is plenty. `--device cpu --tiny`
tries the script where no GPU is.
"""

import argparse
import array
import itertools
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

RECIPES = ["fp32", "fp16", "w8a8", "w8a8:activation=per-token", "w8a8:activation=per-token,keep=top:8", "fp8"]
SIZES = {"bert": ([1, 8, 32], [16, 128, 512]), "llama": ([1, 4], [1, 128, 512])}  # batches, lengths
ONE = 0x3F80  # bfloat16


def bert(tiny):
    hidden, layers, inner, words = (64, 2, 128, 200) if tiny else (768, 12, 3072, 30522)
    config = dict(model_type="bert", architectures=["BertModel"], hidden_size=hidden, num_hidden_layers=layers,
                  num_attention_heads=hidden // 64 or 1, intermediate_size=inner, vocab_size=words,
                  max_position_embeddings=512, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12)
    tensors = {"embeddings.word_embeddings.weight": (words, hidden),
               "embeddings.position_embeddings.weight": (512, hidden),
               "embeddings.token_type_embeddings.weight": (2, hidden)}
    norm(tensors, "embeddings.LayerNorm", hidden)
    for layer in range(layers):
        at = f"encoder.layer.{layer}."
        for name, out, into in [("attention.self.query", hidden, hidden), ("attention.self.key", hidden, hidden),
                                ("attention.self.value", hidden, hidden), ("attention.output.dense", hidden, hidden),
                                ("intermediate.dense", inner, hidden), ("output.dense", hidden, inner)]:
            tensors[at + name + ".weight"] = (out, into)
            tensors[at + name + ".bias"] = (out,)
        norm(tensors, at + "attention.output.LayerNorm", hidden)
        norm(tensors, at + "output.LayerNorm", hidden)
    return config, tensors


def llama(tiny):
    hidden, layers, inner, words, heads, shared = (
        (64, 2, 128, 200, 4, 2) if tiny else (2048, 16, 8192, 32000, 32, 8))
    size = hidden // heads
    config = dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=hidden, num_hidden_layers=layers,
                  num_attention_heads=heads, num_key_value_heads=shared, intermediate_size=inner, vocab_size=words,
                  max_position_embeddings=2048, rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu",
                  tie_word_embeddings=True)
    tensors = {"model.embed_tokens.weight": (words, hidden), "model.norm.weight": (hidden,)}
    for layer in range(layers):
        at = f"model.layers.{layer}."
        for name, out, into in [("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", shared * size, hidden),
                                ("self_attn.v_proj", shared * size, hidden), ("self_attn.o_proj", hidden, hidden),
                                ("mlp.gate_proj", inner, hidden), ("mlp.up_proj", inner, hidden),
                                ("mlp.down_proj", hidden, inner)]:
            tensors[at + name + ".weight"] = (out, into)
        tensors[at + "input_layernorm.weight"] = tensors[at + "post_attention_layernorm.weight"] = (hidden,)
    return config, tensors


def norm(tensors, name, hidden):
    tensors[name + ".weight"] = tensors[name + ".bias"] = (hidden,)


def write_model(folder, config, tensors):
    """bfloat16 values out of one block of Gaussian ones: what a clock reads does not depend on them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    draw = random.Random(1)
    block = array.array("H", (struct.unpack("<I", struct.pack("<f", draw.gauss(0, 0.02)))[0] >> 16
                              for _ in range(1 << 18)))
    header, offset = {}, 0
    for name, shape in tensors.items():
        count = 1
        for side in shape:
            count *= side
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + 2 * count]}
        offset += 2 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, entry in header.items():
            left = (entry["data_offsets"][1] - entry["data_offsets"][0]) // 2
            is_scale = name.endswith("orm.weight") and len(entry["shape"]) == 1
            values = array.array("H", [ONE]) * len(block) if is_scale else block
            first = 0 if is_scale else draw.randrange(len(block) - 1)
            while left > 0:
                piece = values[first:first + left]
                file.write(piece.tobytes())
                left, first = left - len(piece), 0


def bench(program, model, sizes, device, runs, graphs):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "bench.json"
        command = [program, "bench", str(model), "--device", device, "--runs", str(runs), "--json", str(out)]
        for option, values in (("--recipe", RECIPES), ("--batch", sizes[0]), ("--length", sizes[1])):
            for value in values:
                command += [option, str(value)]
        if not graphs:
            command.append("--no-cuda-graphs")
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(f"{model.name}, {'graphs' if graphs else 'no graphs'}: {time.monotonic() - started:.1f} s", file=sys.stderr)
        if done.returncode != 0:
            sys.exit(done.stdout[-2000:])
        for line in done.stdout.splitlines():
            if "CUDA graph" in line and "could not" in line:
                print(line, file=sys.stderr)
        report = json.loads(out.read_text())
        return report["results"], report["machine"]


def check(program, device):
    """The bundled model by every kind of product, beside its simulation: shown, for a person to look at."""
    model = pathlib.Path(__file__).resolve().parents[2] / "sample_models" / "tiny-llama"
    command = [program, "evaluate", str(model), "--data", str(model / "heldout.txt"), "--windows", "4", "--device", device,
               "--kernels", "both", "--no-latency"]
    for recipe in RECIPES + ["bf16", "w8a8:dynamic=on", "w8a8:symmetric=off", "w8a8:keep=top:40", "peg:groups=4",
                             "w4a8:weight_group=32"]:
        command += ["--recipe", recipe]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)
    if done.returncode != 0:
        sys.exit("the check did not run")


def table(name, sizes, with_graphs, without):
    def of(results, recipe, batch, length):
        found = [r for r in results if (r["recipe"], r["batch"], r["length"]) == (recipe, batch, length)]
        return found[0] if found else None

    print(f"\n{name}, p50 in ms, with CUDA graphs / without\n")
    print("| batch × length | " + " | ".join(RECIPES) + " |\n|" + " --- |" * (len(RECIPES) + 1))
    for batch, length in itertools.product(*sizes):
        cells = []
        for recipe in RECIPES:
            pair = [of(results, recipe, batch, length) for results in (with_graphs, without)]
            text = " / ".join(f"{r['latency_ms']['p50']:.3g}" + ("" if r.get("cuda_graph") or i else "*") if r else "–"
                              for i, r in enumerate(pair))
            tag = next((r["kernels"] for r in pair if r), "")
            cells.append(text + (" (simulated)" if tag == "simulated" else ""))
        print(f"| {batch} × {length} | " + " | ".join(cells) + " |")
    if any(not r.get("cuda_graph") for r in with_graphs):
        print("\n* no graph: the pass ran operator by operator.")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kurtoscope", default="build/headless/kurtoscope")
    arguments.add_argument("--out", type=pathlib.Path, help="folder for models and raw results; else a temporary one")
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--tiny", action="store_true", help="models and sizes of a moment, to try the script")
    given = arguments.parse_args()
    check(given.kurtoscope, given.device)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.out or pathlib.Path(temporary)
        raw = {}
        for name, make in (("bert", bert), ("llama", llama)):
            config, tensors = make(given.tiny)
            write_model(folder / name, config, tensors)
            sizes = ([2], [8]) if given.tiny else SIZES[name]
            both, machine = [], {}
            for graphs in (True, False):
                results, seen = bench(given.kurtoscope, folder / name, sizes, given.device, given.runs, graphs)
                machine = seen or machine
                both.append(results)
            raw[name] = {"machine": machine, "graphs": both[0], "no_graphs": both[1]}
            print(f"\n{machine.get('device', '?')}")
            table("BERT-base-shaped" if name == "bert" else "LLaMA-shaped, a billion weights", sizes, *both)
            sys.stdout.flush()
        if given.out:
            (folder / "gpu_sweep.json").write_text(json.dumps(raw, indent=1))


if __name__ == "__main__":
    main()
