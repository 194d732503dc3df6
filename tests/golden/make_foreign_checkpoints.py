# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/foreign/: quantized weights as other libraries store them, with what those libraries make of them,
and a tiny LLaMA quantized by compressed-tensors with the logits that transformers computes from it.

Needs: pip install torch==2.11.0 transformers==5.23.0 compressed-tensors==0.20.0 bitsandbytes==0.50.2 gptqmodel==7.7.0
       safetensors numpy, and packing_utils.py out of autoawq 0.2.9 (importing that package as a whole needs a GPU)
Run:   python tests/golden/make_foreign_checkpoints.py AUTOAWQ/awq/utils/packing_utils.py

NAME.safetensors holds the parts of one layer "m" and, as `expected`, its weight [out, in] by the library's own code;
index.json holds each case's quantization_config. Seeded: the same versions write the same files.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
TO = HERE / "foreign"
CASES = {}


def weight(outputs, inputs, seed):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(outputs, inputs, generator=generator) * 0.05
    w[:, 3] *= 9  # an outlier column
    return w


def save(name, config, parts, expected):
    tensors = {f"m.{key}": value.contiguous() for key, value in parts.items()}
    tensors["expected"] = expected.float().contiguous()
    save_file(tensors, TO / f"{name}.safetensors")
    CASES[name] = config


# --- GPTQ, packed and unpacked by GPTQModel

def grid(w, bits, group, order=None):
    """Asymmetric min-max scales and zero points, [out, groups]; column i belongs to group order[i]."""
    order = torch.arange(w.shape[1]) // group if order is None else order
    top = 2**bits - 1
    scales, zeros = [], []
    for g in range(int(order.max()) + 1):
        part = w[:, order == g]
        low, high = part.amin(1).clamp(max=0), part.amax(1).clamp(min=0)
        scale = ((high - low) / top).half().float()
        scales.append(scale)
        zeros.append((-low / scale).round().clamp(0, top))
    return torch.stack(scales, 1), torch.stack(zeros, 1), order


def gptq(name, bits, group, outputs=64, inputs=96, act_order=False, v2=False):
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    from gptqmodel.utils.model import convert_gptq_v2_to_v1_format_module
    w = weight(outputs, inputs, 7 * bits + act_order)
    order = None
    if act_order:
        order = torch.randperm(inputs, generator=torch.Generator().manual_seed(5)) // group
    scales, zeros, order = grid(w, bits, group, order)
    zeros = zeros.clamp(min=1)  # the first version stores them less one
    linear = torch.nn.Linear(inputs, outputs, bias=False)
    linear.weight.data = w
    layer = TorchLinear(bits=bits, group_size=group, sym=False, desc_act=act_order, in_features=inputs, out_features=outputs,
                        bias=False, pack_dtype=torch.int32, register_buffers=True)
    layer.pack_original(linear, scales, zeros, order.to(torch.int32))
    layer.post_init()
    expected = layer.dequantize_weight().T  # by scales in half precision
    if not v2:
        class Config:
            pass
        Config.bits, Config.pack_dtype = bits, torch.int32
        convert_gptq_v2_to_v1_format_module(layer, Config)
    config = {"quant_method": "gptq", "bits": bits, "group_size": group if group < inputs else -1, "desc_act": act_order,
              "sym": False, "checkpoint_format": "gptq_v2" if v2 else "gptq"}
    parts = {key: getattr(layer, key) for key in ("qweight", "qzeros", "scales")}
    parts["g_idx"] = order.to(torch.int32)
    save(name, config, parts, expected)


# --- AWQ, unpacked by AutoAWQ; packed here in the order that its unpacking undoes

def awq(name, packing, group=32, outputs=64, inputs=96):
    w = weight(outputs, inputs, 11)
    scales, zeros, order = grid(w, 4, group)
    q = (w / scales[:, order] + zeros[:, order]).round().clamp(0, 15).to(torch.int64)

    def pack(values):  # [lines, outputs] → [lines, outputs / 8]
        lines = values.reshape(values.shape[0], -1, 8)[:, :, packing.AWQ_ORDER]
        words = sum(lines[:, :, i] << (4 * i) for i in range(8))
        return torch.from_numpy(np.ascontiguousarray(words.numpy()).astype(np.uint32).view(np.int32))

    parts = {"qweight": pack(q.T), "qzeros": pack(zeros.T.to(torch.int64)), "scales": scales.T.half().contiguous()}
    expected = packing.dequantize_gemm(parts["qweight"], parts["qzeros"], parts["scales"], 4, group).T
    save(name, {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}, parts, expected)


# --- bitsandbytes

def int8(name, outputs=24, inputs=40):
    import bitsandbytes.functional as functional
    w = weight(outputs, inputs, 13)
    q, largest, _ = functional.int8_vectorwise_quant(w.half())
    parts = {"weight": q, "SCB": largest, "weight_format": torch.tensor(0, dtype=torch.uint8)}
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False, "llm_int8_threshold": 6.0}
    save(name, config, parts, functional.int8_vectorwise_dequant(q, largest))


def four_bits(name, kind, nested, dtype, outputs=24, inputs=40):
    import bitsandbytes.functional as functional
    w = weight(outputs, inputs, 17).to(dtype)
    packed, state = functional.quantize_4bit(w, blocksize=64, quant_type=kind, compress_statistics=nested)
    expected = functional.dequantize_4bit(packed, state)
    parts = {"weight": packed} | {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}
    config = {"quant_method": "bitsandbytes", "load_in_8bit": False, "load_in_4bit": True, "bnb_4bit_quant_type": kind}
    save(name, config, parts, expected)


# --- compressed-tensors: compressed and decompressed by the library

def arguments(bits=8, kind="int", symmetric=True, strategy="channel", group=None, **more):
    made = {"num_bits": bits, "type": kind, "symmetric": symmetric, "dynamic": False, "strategy": strategy}
    return made | ({"group_size": group} if group else {}) | more


def scales_for(w, rule):
    """Scales and zero points as the library's own min-max computes them."""
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.utils import calculate_qparams
    args = QuantizationArgs(**rule)
    strategy = rule["strategy"]
    view = w.reshape(1, -1) if strategy == "tensor" else w
    if strategy in ("group", "tensor_group"):
        view = w.reshape(w.shape[0], -1, rule["group_size"])
    if strategy == "block":
        high, wide = rule["block_structure"]
        view = w.reshape(w.shape[0] // high, high, w.shape[1] // wide, wide).permute(0, 2, 1, 3).flatten(2)
    low, top = view.amin(-1), view.amax(-1)
    outer = torch.tensor([448 * 6 / w.abs().max().item()]) if strategy == "tensor_group" else None
    scale, zero = calculate_qparams(low, top, args, global_scale=outer)
    if strategy == "tensor":
        scale, zero = scale.reshape(1), zero.reshape(1)
    if strategy == "channel":
        scale, zero = scale.reshape(-1, 1), zero.reshape(-1, 1)
    return scale, zero, outer


def compressed(name, form, weights, dtype=torch.float32, outputs=64, inputs=96, inputs_rule=None):
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    w = weight(outputs, inputs, 19).to(dtype)
    rule = {key: value for key, value in weights.items() if key != "scale_dtype"}
    scale, zero, outer = scales_for(w, weights)
    if outer is None:
        scale = scale.to(dtype)
    state = {"weight": w, "weight_scale": scale}
    if not weights["symmetric"]:
        state["weight_zero_point"] = zero
    if outer is not None:
        state["weight_global_scale"] = outer
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**weights))
    library = BaseCompressor.get_value_from_registry(form)
    parts = library.compress(dict(state), scheme)
    expected = library.decompress(dict(parts), scheme)["weight"]
    config = {"quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed", "ignore": [],
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": inputs_rule}}}
    save(name, config, parts, expected)


# --- a whole model: layer 0 in int8 with stored input scales, layer 1 in packed int4

def tiny_llama():
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from transformers import AutoModelForCausalLM
    source, to = HERE / "tiny-llama", TO / "tiny-llama-mixed"
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    golden = load_file(source / "golden.safetensors")
    ids = golden["0.ids"].long()[None]
    model = AutoModelForCausalLM.from_pretrained(source).eval()
    seen = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda m, a, name=name: seen.__setitem__(name, a[0]))
    with torch.no_grad():
        model(ids)
    static = arguments(strategy="tensor", symmetric=False)
    eight, four = arguments(), arguments(4, strategy="group", group=16)
    tensors = load_file(source / "model.safetensors")
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or name == "lm_head":
            continue
        whole = ".layers.0." in name
        rule, form = (eight, "int-quantized") if whole else (four, "pack-quantized")
        w = tensors.pop(name + ".weight")
        scale, _, _ = scales_for(w, rule)
        scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**rule))
        parts = BaseCompressor.get_value_from_registry(form).compress({"weight": w, "weight_scale": scale}, scheme)
        tensors |= {f"{name}.{key}": value.contiguous() for key, value in parts.items()}
        if whole:
            low, top = seen[name].amin().clamp(max=0), seen[name].amax().clamp(min=0)
            scale = (top - low) / 255
            tensors[name + ".input_scale"] = scale.reshape(1)
            tensors[name + ".input_zero_point"] = (-128 - low / scale).round().to(torch.int8).reshape(1)
    save_file(tensors, to / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "compressed-tensors", "format": "mixed-precision", "quantization_status": "compressed",
        "ignore": ["lm_head"], "config_groups": {
            "group_0": {"targets": ["re:.*layers\\.0\\..*_proj$"], "weights": eight, "input_activations": static, "format": "int-quantized"},
            "group_1": {"targets": ["Linear"], "weights": four, "format": "pack-quantized"}}}
    (to / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / file, to / file)
    loaded = AutoModelForCausalLM.from_pretrained(to).eval()
    with torch.no_grad():
        answers = {"0.ids": golden["0.ids"], "0.logits": loaded(ids).logits[0].contiguous()}
    save_file(answers, to / "golden.safetensors")


def main(packing_file):
    spec = importlib.util.spec_from_file_location("packing", packing_file)
    packing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(packing)
    TO.mkdir(exist_ok=True)
    gptq("gptq-4", 4, 32)
    gptq("gptq-4-act-order", 4, 32, act_order=True)
    gptq("gptq-4-v2", 4, 96, v2=True)
    gptq("gptq-3", 3, 32)
    gptq("gptq-2", 2, 32)
    gptq("gptq-8", 8, 96)
    awq("awq-4", packing)
    int8("bnb-int8")
    four_bits("bnb-nf4", "nf4", False, torch.float32)
    four_bits("bnb-nf4-nested", "nf4", True, torch.bfloat16)
    four_bits("bnb-fp4", "fp4", False, torch.float16)
    compressed("ct-int8-channel", "int-quantized", arguments())
    compressed("ct-int8-tensor-bf16", "int-quantized", arguments(strategy="tensor"), torch.bfloat16)
    compressed("ct-int4-group-asymmetric", "naive-quantized", arguments(4, symmetric=False, strategy="group", group=32))
    compressed("ct-packed-4", "pack-quantized", arguments(4, strategy="group", group=32))
    compressed("ct-packed-4-asymmetric", "pack-quantized", arguments(4, symmetric=False, strategy="group", group=32))
    compressed("ct-packed-3", "pack-quantized", arguments(3), inputs=90)
    compressed("ct-packed-8-f16", "pack-quantized", arguments(8), torch.float16)
    compressed("ct-fp8-channel", "float-quantized", arguments(kind="float"))
    compressed("ct-fp8-block", "float-quantized", arguments(kind="float", strategy="block", block_structure=[16, 32]))
    compressed("ct-nvfp4", "nvfp4-pack-quantized",
               arguments(4, "float", strategy="tensor_group", group=16, scale_dtype="torch.float8_e4m3fn"))
    compressed("ct-mxfp4", "mxfp4-pack-quantized", arguments(4, "float", strategy="group", group=32, scale_dtype="torch.uint8"))
    tiny_llama()
    (TO / "index.json").write_text(json.dumps(CASES, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
