# SPDX-License-Identifier: GPL-3.0-or-later
"""The other engines, each as a function that loads the model and returns a forward pass over an array of token ids."""

import os
from functools import partial
from pathlib import Path

import numpy


def encoder(folder):
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    return model.eval()


def decoder(path, dtype):
    import torch
    import transformers

    path = Path(path)
    if path.suffix == ".gguf":
        model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=dtype)
    else:
        model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    assert isinstance(model, torch.nn.Module)
    return model.eval()


def torch_pass(model, threads, device):
    import torch

    torch.set_num_threads(threads)
    model.to(device)

    def run(ids):
        with torch.inference_mode():
            more = {"use_cache": False} if hasattr(model, "lm_head") else {}
            output = model(input_ids=torch.from_numpy(ids).to(device), **more)
        if device == "cuda":
            torch.cuda.synchronize()
        return output[0]

    return run


def torch_plain(model, kind, threads, cache, dtype, device="cpu"):
    import torch

    made = encoder(model) if kind == "encoder" else decoder(model, torch.float32)
    return torch_pass(made.to(getattr(torch, dtype)), threads, device)


def torchao_int8(model, kind, threads, cache, device="cpu"):
    import torch
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    made = encoder(model) if kind == "encoder" else decoder(model, torch.float32)
    if device == "cuda":
        made.to(device, torch.bfloat16)  # its integer kernels there end in halves
    quantize_(made, Int8DynamicActivationInt8WeightConfig())
    return torch_pass(made, threads, device)


def bitsandbytes_int8(model, kind, threads, cache, device="cpu"):
    """LLM.int8(): inputs beyond 6 in half precision beside the integers; all but the output head, as its authors do."""
    import torch
    from bitsandbytes.nn import Int8Params, Linear8bitLt

    made = (encoder(model) if kind == "encoder" else decoder(model, torch.float32)).to(torch.float16)
    for name, layer in list(made.named_modules()):
        if not isinstance(layer, torch.nn.Linear) or name == "lm_head":
            continue
        quantized = Linear8bitLt(layer.in_features, layer.out_features, bias=layer.bias is not None,
                                 has_fp16_weights=False, threshold=6.0)
        quantized.weight = Int8Params(layer.weight.data, requires_grad=False, has_fp16_weights=False)
        quantized.bias = layer.bias
        made.set_submodule(name, quantized)
    return torch_pass(made, threads, device)  # which quantizes on the way


class Hidden:
    """The encoder with its hidden states alone as output, for export."""

    @staticmethod
    def of(folder):
        import torch

        model = encoder(folder)

        class Wrapped(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

        return Wrapped().eval()


def onnx_file(model, cache):
    target = cache / "fp32.onnx"
    if not target.exists():
        import torch

        ids = torch.ones((2, 16), dtype=torch.int64)
        axes = {0: "batch", 1: "length"}
        torch.onnx.export(
            Hidden.of(model),
            (ids, ids),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["hidden"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "hidden": axes},
            opset_version=17,
            dynamo=False,
        )
    return target


def onnxruntime_pass(file, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0]


def encoders_only(kind):
    if kind != "encoder":
        raise ValueError("only encoders are exported")


def onnxruntime_fp32(model, kind, threads, cache):
    encoders_only(kind)
    return onnxruntime_pass(onnx_file(model, cache), threads)


def onnxruntime_int8(model, kind, threads, cache):
    encoders_only(kind)
    target = cache / "dynamic-int8.onnx"
    if not target.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(onnx_file(model, cache), target, per_channel=True, weight_type=QuantType.QInt8)
    return onnxruntime_pass(target, threads)


def openvino_pass(model, threads, precision):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        model,
        "CPU",
        {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"},
    )
    request = compiled.create_infer_request()
    return lambda ids: request.infer({"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0]


def openvino_f32(model, kind, threads, cache):
    encoders_only(kind)
    return openvino_pass(str(onnx_file(model, cache)), threads, "f32")


def openvino_bf16(model, kind, threads, cache):
    encoders_only(kind)
    import openvino

    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ValueError("this processor has no BF16")
    return openvino_pass(str(onnx_file(model, cache)), threads, "bf16")


def openvino_int8(model, kind, threads, cache):
    encoders_only(kind)
    target = cache / "nncf-int8.xml"
    if not target.exists():
        import nncf
        import openvino
        from token_ids import token_ids

        read = openvino.Core().read_model(str(onnx_file(model, cache)))
        batches = [token_ids(1, 128, 30000, 1000 + i) for i in range(16)]
        samples = nncf.Dataset(batches, lambda ids: {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})
        quantized = nncf.quantize(read, samples, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(batches))
        openvino.save_model(quantized, str(target), compress_to_fp16=False)
    return openvino_pass(str(target), threads, "f32")


def ctranslate2_pass(model, threads, cache, compute):
    import ctranslate2
    import torch  # noqa: F401 (the converter needs it)
    import transformers

    folder = cache / "ctranslate2"
    if not folder.exists():
        ctranslate2.converters.TransformersConverter(str(model)).convert(str(folder))
    made = ctranslate2.Encoder(str(folder), device="cpu", compute_type=compute, intra_threads=threads)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    vocabulary = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))

    def run(ids):
        return made.forward_batch([[vocabulary[i] for i in row] for row in ids.tolist()])

    def direct(ids):
        lengths = ctranslate2.StorageView.from_array(numpy.full(ids.shape[0], ids.shape[1], dtype=numpy.int32))
        return made.forward_batch(ctranslate2.StorageView.from_array(ids.astype(numpy.int32)), lengths=lengths)

    try:
        direct(numpy.ones((1, 4), dtype=numpy.int64))
        return direct
    except (TypeError, ValueError):
        return run


def ctranslate2_fp32(model, kind, threads, cache):
    encoders_only(kind)
    return ctranslate2_pass(model, threads, cache, "float32")


def ctranslate2_int8(model, kind, threads, cache):
    encoders_only(kind)
    return ctranslate2_pass(model, threads, cache, "int8")


def llama_cpp(model, kind, threads, cache):
    if not str(model).endswith(".gguf"):
        raise ValueError("reads GGUF alone")
    import llama_cpp

    made = llama_cpp.Llama(str(model), n_ctx=2048, n_batch=2048, n_threads=threads, n_threads_batch=threads,
                           logits_all=True, verbose=False)

    def run(ids):
        for row in ids.tolist():
            made.reset()
            made.eval(row)

    return run


ENGINES = {
    "torch fp32": partial(torch_plain, dtype="float32"),
    "torch bf16": partial(torch_plain, dtype="bfloat16"),
    "torchao int8": torchao_int8,
    "bitsandbytes int8": bitsandbytes_int8,
    "onnxruntime fp32": onnxruntime_fp32,
    "onnxruntime int8": onnxruntime_int8,
    "openvino f32": openvino_f32,
    "openvino bf16": openvino_bf16,
    "openvino int8": openvino_int8,
    "ctranslate2 fp32": ctranslate2_fp32,
    "ctranslate2 int8": ctranslate2_int8,
    "llama.cpp": llama_cpp,
}
ON_CUDA = {
    "torch fp32": partial(torch_plain, dtype="float32", device="cuda"),
    "torch fp16": partial(torch_plain, dtype="float16", device="cuda"),
    "torch bf16": partial(torch_plain, dtype="bfloat16", device="cuda"),
    "torchao int8": partial(torchao_int8, device="cuda"),
    "bitsandbytes int8": partial(bitsandbytes_int8, device="cuda"),
}


def limit_threads(threads):
    """Before anything is imported: libraries read these once."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
