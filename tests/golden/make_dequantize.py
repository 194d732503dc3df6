# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden values for dequantization, from the reference in the `gguf` package.

Needs: pip install gguf numpy safetensors

    python tests/golden/make_dequantize.py [SmolLM2-135M-Instruct.Q4_1.gguf]

Writes dequantize.safetensors beside this file: for each type `TYPE.blocks` (bytes) and `TYPE.values` (floats). With the
model's file, also smollm2_dequantized.json: two sums over the bits of all dequantized tensors of each type, and the first
values of one tensor of each type.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from safetensors.numpy import save_file

HERE = Path(__file__).parent

# Where each format keeps its half-precision scales, in bytes from the start of a block.
SCALES = {
    Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
# Usual sizes of both signs, zeros, subnormals, the largest, infinities.
HALVES = [0.0123, -0.0371, 1.5, 0.0, -0.0, 6e-8, -3.1e-5, 65504.0, float("inf"), float("-inf")]


def random_blocks(generator, kind):
    _, size = GGML_QUANT_SIZES[kind]
    offsets = SCALES[kind]
    count = len(HALVES) if size < 50 else 5
    blocks = generator.integers(0, 256, (count, size), dtype=np.uint8)
    for i in range(count):
        for j, offset in enumerate(offsets):
            value = HALVES[(i * (1 if count == len(HALVES) else 2) + 3 * j) % len(HALVES)]
            blocks[i, offset:offset + 2] = np.frombuffer(np.float16(value).tobytes(), np.uint8)
    return blocks.reshape(-1)


def main():
    generator = np.random.default_rng(20260)
    golden = {}
    for kind in SCALES:
        blocks = random_blocks(generator, kind)
        with np.errstate(all="ignore"):
            values = gguf.quants.dequantize(blocks, kind)
        golden[f"{kind.name}.blocks"] = blocks
        golden[f"{kind.name}.values"] = values.astype(np.float32)
    for kind, stored in ((Type.F16, np.uint16), (Type.BF16, np.uint16)):
        bits = generator.integers(0, 65536, 256, dtype=stored)
        bits[:6] = [0, 0x8000, 1, 0x8001, 0x7F80 if kind == Type.BF16 else 0x7C00, 0x03FF]
        golden[f"{kind.name}.blocks"] = np.frombuffer(bits.tobytes(), np.uint8)
        golden[f"{kind.name}.values"] = gguf.quants.dequantize(golden[f"{kind.name}.blocks"], kind).astype(np.float32)
    save_file(golden, HERE / "dequantize.safetensors")

    if len(sys.argv) > 1:
        summary = {}
        for tensor in sorted(gguf.GGUFReader(sys.argv[1]).tensors, key=lambda t: t.name):
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(-1)
            bits = values.view(np.uint32).astype(np.uint64)
            entry = summary.setdefault(tensor.tensor_type.name, {
                "tensors": 0, "elements": 0, "sum": 0, "weighted": 0,
                "sample": {"tensor": tensor.name, "values": [float(v) for v in values[:8]]}})
            index = np.arange(entry["elements"] + 1, entry["elements"] + 1 + bits.size, dtype=np.uint64)
            entry["tensors"] += 1
            entry["elements"] += bits.size
            entry["sum"] = (entry["sum"] + int(bits.sum(dtype=np.uint64))) % 2**64
            entry["weighted"] = (entry["weighted"] + int((bits * index).sum(dtype=np.uint64))) % 2**64
        for entry in summary.values():  # 64-bit numbers do not survive JSON readers that use doubles
            entry["sum"], entry["weighted"] = str(entry["sum"]), str(entry["weighted"])
        (HERE / "smollm2_dequantized.json").write_text(json.dumps(summary, indent=1) + "\n")


main()
