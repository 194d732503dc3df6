# SPDX-License-Identifier: GPL-3.0-or-later
"""Training throughput of `kurtoscope train` against PyTorch on the same model and batch: GPT-2 as transformers has it, AdamW
(fused), the same lengths and number of threads, in turns. Prints tokens per second of each turn and the ratio of the medians.

Needs: pip install torch==2.11.0 transformers==5.23.0
Run:   python tests/benchmarks/peers/train_throughput.py build/release/kurtoscope [--threads 1] [--turns 3] [--steps 30]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--turns", type=int, default=3)
parser.add_argument("--steps", type=int, default=30)
asked = parser.parse_args()
torch.set_num_threads(asked.threads)
LAYERS, HIDDEN, HEADS, LENGTH, VOCABULARY, BATCH = 4, 128, 4, 128, 512, 16


def peer():
    config = GPT2Config(vocab_size=VOCABULARY, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=LENGTH, embd_pdrop=0,
                        attn_pdrop=0, resid_pdrop=0, bos_token_id=0, eos_token_id=0, use_cache=False)
    model = GPT2LMHeadModel._from_config(config, attn_implementation="sdpa").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    times = []
    for _ in range(asked.steps):
        ids = torch.randint(0, VOCABULARY, (BATCH, LENGTH + 1))
        begun = time.perf_counter()
        logits = model(ids[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        times.append(time.perf_counter() - begun)
    return BATCH * LENGTH / statistics.median(times[5:])


def mine(folder):
    spec = {"schema": 1, "model": {"layers": LAYERS, "hidden": HIDDEN, "heads": HEADS, "length": LENGTH, "vocabulary": VOCABULARY},
            "data": {"artificial_bytes": 300000},
            "training": {"steps": asked.steps, "batch": BATCH, "warmup": 5, "learning_rate": 2e-3},
            "watch": {"checkpoint_every": 100000, "validate_every": 100000, "validation_windows": 1, "record_every": 1}}
    file = pathlib.Path(folder) / "spec.json"
    file.write_text(json.dumps(spec))
    subprocess.run([asked.binary, "train", file, "--threads", str(asked.threads), "--out", pathlib.Path(folder) / "run"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = (pathlib.Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
    return statistics.median(json.loads(line)["tokens_per_second"] for line in lines[5:-1])


theirs, ours = [], []
for _ in range(asked.turns):
    with tempfile.TemporaryDirectory() as folder:
        ours.append(mine(folder))
    theirs.append(peer())
print("kurtoscope", *(f"{x:.0f}" for x in ours), "tokens/s")
print("PyTorch   ", *(f"{x:.0f}" for x in theirs), "tokens/s")
print(f"ratio of medians {statistics.median(ours) / statistics.median(theirs):.3f}")
