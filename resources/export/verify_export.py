# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an exported folder by the software it was written for, over the ids that came with it.

    python verify_export.py FOLDER OUT_FOLDER WAY...

WAY is one of those in the folder's kurtoscope_export.json. Writes what the model answers (logits, else the final hidden
states; one tensor for each probe) to OUT_FOLDER/WAY.safetensors and prints, for each way, a line of JSON: the versions that
ran, or the library that is missing.
"""
import importlib
import importlib.metadata
import json
import pathlib
import sys


def versions(names):
    found = {"python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def compressed_tensors(folder, words):
    import torch
    import transformers

    dtype = getattr(torch, words.get("dtype") or "float32")
    if (folder / "outlier_channels.json").exists():
        sys.path.insert(0, str(folder))
        import outlier_channels

        model = outlier_channels.load(folder, dtype=dtype)
    else:
        model = getattr(transformers, words["auto_class"]).from_pretrained(str(folder), dtype=dtype)
    model.eval()
    return lambda ids: transformers_answer(model, ids)


def compressed_tensors_adapter(folder, words):
    """What stock transformers with PEFT makes of the same folder, without the loader in it."""
    import peft  # noqa: F401  without it the adapter would be left out without a word
    import torch
    import transformers

    model = getattr(transformers, words["auto_class"]).from_pretrained(str(folder), dtype=torch.float32).eval()
    if not getattr(model, "_hf_peft_config_loaded", False):
        raise RuntimeError("transformers did not load the adapter")
    return lambda ids: transformers_answer(model, ids)


def transformers_answer(model, ids):
    import torch

    with torch.no_grad():
        answer = model(torch.tensor([ids]))
    return (answer.logits if "logits" in answer else answer.last_hidden_state)[0].float().contiguous().numpy()


def onnx_inputs(ids, names):
    import numpy

    whole = numpy.array([ids], dtype=numpy.int64)
    known = {"input_ids": whole, "attention_mask": numpy.ones_like(whole), "token_type_ids": numpy.zeros_like(whole)}
    return {name: known[name] for name in names}


def onnx_answer(outputs):
    answer = outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"]
    return answer[0].copy()


def onnx_runtime(folder, words):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    asked = [one.name for one in session.get_inputs()]
    return lambda ids: onnx_answer(dict(zip(names, session.run(names, onnx_inputs(ids, asked)))))


def open_vino(folder, words):
    import openvino

    model = openvino.compile_model(str(folder / "model.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    asked = [one.get_any_name() for one in model.inputs]
    # An output may have further names, of what was folded into it.
    return lambda ids: onnx_answer({name: values for one, values in model(onnx_inputs(ids, asked)).items() for name in one.names})


WAYS = {"compressed-tensors": (compressed_tensors, ["torch", "transformers", "compressed-tensors"]),
        "compressed-tensors+peft": (compressed_tensors_adapter, ["torch", "transformers", "compressed-tensors", "peft"]),
        "onnxruntime": (onnx_runtime, ["onnxruntime"]), "openvino": (open_vino, ["openvino"])}


def run(folder, way, probe, out):
    open_model, libraries = WAYS[way]
    try:
        from safetensors.numpy import save_file

        answer = open_model(folder, probe["words"])
        save_file({f"answer.{i}": answer(ids) for i, ids in enumerate(probe["ids"])}, str(out / f"{way}.safetensors"))
    except ImportError as error:
        return {"way": way, "skipped": f"a library is missing: {error}"}
    return {"way": way, "versions": versions(libraries)}


def main(folder, out, ways):
    with open(folder / "kurtoscope_export.json", encoding="utf-8") as stream:
        probe = json.load(stream)["probe"]
    for way in ways:
        print(json.dumps(run(folder, way, probe, out)), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4 or not set(sys.argv[3:]) <= set(WAYS):
        sys.exit(f"usage: verify_export.py FOLDER OUT_FOLDER WAY...; WAY is one of {', '.join(WAYS)}")
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
