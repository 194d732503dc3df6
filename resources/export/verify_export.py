# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an exported folder by the software it was written for, over the ids that came with it.

    python verify_export.py FOLDER WAY OUT.safetensors

WAY is one of those in the folder's kurtoscope_export.json. Writes what the model answers (logits, else the final hidden
states; one tensor for each probe) and prints, as its last line of JSON, the versions that ran. Ends with exit code 3 and one
line where a library is missing.
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
    return (answer.logits if "logits" in answer else answer.last_hidden_state)[0].float().contiguous()


def onnx_inputs(ids, names):
    import numpy

    whole = numpy.array([ids], dtype=numpy.int64)
    known = {"input_ids": whole, "attention_mask": numpy.ones_like(whole), "token_type_ids": numpy.zeros_like(whole)}
    return {name: known[name] for name in names}


def onnx_answer(outputs):
    import torch

    answer = outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"]
    return torch.from_numpy(answer[0].copy())


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
    return lambda ids: onnx_answer({one.get_any_name(): values for one, values in model(onnx_inputs(ids, asked)).items()})


WAYS = {"compressed-tensors": compressed_tensors, "compressed-tensors+peft": compressed_tensors_adapter,
        "onnxruntime": onnx_runtime, "openvino": open_vino}


def main(folder, way, out):
    with open(folder / "kurtoscope_export.json", encoding="utf-8") as stream:
        probe = json.load(stream)["probe"]
    try:
        from safetensors.torch import save_file

        run = WAYS[way](folder, probe["words"])
        answers = {f"answer.{i}": run(ids) for i, ids in enumerate(probe["ids"])}
    except ImportError as error:
        print(f"a library is missing: {error}", file=sys.stderr)
        return 3
    save_file(answers, str(out))
    print(json.dumps(versions(["torch", "transformers", "compressed-tensors", "peft", "safetensors", "onnxruntime", "openvino"])))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in WAYS:
        sys.exit(f"usage: verify_export.py FOLDER WAY OUT.safetensors; WAY is one of {', '.join(WAYS)}")
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])))
