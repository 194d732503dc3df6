# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an exported folder by the software it was written for, over the ids that came with it.

    python verify_export.py FOLDER OUT_FOLDER WAY...

WAY is one of those in the folder's kurtoscope_export.json. Writes what the model answers (logits, else the final hidden
states; one tensor for each probe) to OUT_FOLDER/WAY.safetensors and prints, for each way, a line of JSON: the versions that
ran, or the library that is missing.

Where the folder holds a text's steps, the model is run over it layer by layer too: before each quantized linear layer, its
input is noted and replaced by the simulation's. What was noted, what the layers made of the simulation's inputs, and the
answer go to OUT_FOLDER/WAY.steps.safetensors; the line of JSON says how many values their own input would round otherwise.
"""
import contextlib
import importlib
import importlib.metadata
import json
import pathlib
import sys
import tempfile


ATTENTION = "sdpa"  # of transformers' implementations, the one that the simulation by LibTorch's operators follows


class Missing(Exception):
    """Something that is no fault of the export."""


def versions(names):
    found = {"python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def count_tipped(given, own, rounded_given, rounded_own):
    """Values that are rounded a level apart: rounding moves the others by no more than their inputs are apart."""
    apart = abs(own - given).max()
    return {"tipped": int((abs(rounded_own - rounded_given) > 8 * apart).sum()), "rounded": int(rounded_given.size)}


def add(counts, more):
    for key, value in more.items():
        counts[key] = counts.get(key, 0) + value


class Transformers:
    """A model of transformers, whoever rounds in it."""

    def __init__(self, model, outliers=None):
        import torch

        self.model = model.eval()
        torch.set_num_threads(1)  # as there, since sums may be cut where the threads are
        self.outliers = outliers or {}  # channels that the folder's own loader takes out before it rounds

    def answer(self, ids):
        import torch

        with torch.no_grad():
            answer = self.model(torch.tensor([ids]))
        return (answer.logits if "logits" in answer else answer.last_hidden_state)[0].float().contiguous().numpy()

    def find(self, name):
        known = dict(self.model.named_modules())
        bare = name.split(".", 1)[1] if name.split(".", 1)[0] in ("bert", "model") else name
        return next((known[one] for one in (name, bare, f"{self.model.base_model_prefix}.{name}") if one in known), None)

    def steps(self, words, given):
        import torch

        noted, counts, counted, hooks = {}, {}, set(), []
        for name, site in words["reads"].items():
            module = self.find(name)
            if module is None:
                raise RuntimeError(f"the model has no module {name}")
            ours = torch.from_numpy(given[f"read.{site}"])

            def before(_, inputs, name=name, site=site, ours=ours, inner=getattr(module, "base_layer", module)):
                x = inputs[0]
                mine = ours.reshape(x.shape).to(x.dtype)
                noted[f"read.{site}"] = x.float().contiguous().numpy()
                if x.dtype == torch.float32 and site not in counted:
                    counted.add(site)
                    add(counts, self.tipped(inner, name, mine, x))
                return (mine, *inputs[1:])

            def behind(_, __, output, name=name):
                noted[f"made.{name}"] = output.float().contiguous().numpy()

            # First of all before it, and last of all behind it.
            hooks += [module.register_forward_pre_hook(before, prepend=True), module.register_forward_hook(behind)]
        noted["answer"] = self.answer(words["ids"])
        for hook in hooks:
            hook.remove()
        return noted, counts

    def tipped(self, module, name, given, own):
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is None or scheme.input_activations is None:
            return {}
        from compressed_tensors.quantization.lifecycle.forward import forward_quantize

        if name in self.outliers:
            given, own = (x.index_fill(-1, self.outliers[name], 0) for x in (given, own))
        rounded = [forward_quantize(module, x, "input", scheme.input_activations) for x in (given, own)]
        return count_tipped(*(x.numpy() for x in (given, own, *rounded)))


def compressed_tensors(folder, words):
    import torch
    import transformers

    dtype = getattr(torch, words.get("dtype") or "float32")
    if (folder / "outlier_channels.json").exists():
        sys.path.insert(0, str(folder))
        import outlier_channels

        outliers = {name: channels for name, (channels, _) in outlier_channels.read(folder)[1].items()}
        return Transformers(outlier_channels.load(folder, dtype=dtype, attn_implementation=ATTENTION), outliers)
    loader = getattr(transformers, words["auto_class"])
    return Transformers(loader.from_pretrained(str(folder), dtype=dtype, attn_implementation=ATTENTION))


def compressed_tensors_adapter(folder, words):
    """What stock transformers with PEFT makes of the same folder, without the loader in it."""
    import peft  # noqa: F401  without it the adapter would be left out without a word
    import torch
    import transformers

    loader = getattr(transformers, words["auto_class"])
    model = loader.from_pretrained(str(folder), dtype=torch.float32, attn_implementation=ATTENTION)
    if not getattr(model, "_hf_peft_config_loaded", False):
        raise RuntimeError("transformers did not load the adapter")
    return Transformers(model)


def original(words):
    """The model that a configuration was made for."""
    if not pathlib.Path(words["model"]).is_dir():
        raise Missing(f"the model it was made for is not at {words['model']} any more")
    return words["model"]


def by_configuration(library):
    """The original model, loaded by the folder's own script."""

    def open_model(folder, words):
        importlib.import_module(library)
        import torch
        from transformers.quantizers import AutoQuantizationConfig

        model = original(words)
        sys.path.insert(0, str(folder))
        import load

        with open(folder / "quantization_config.json", encoding="utf-8") as stream:
            snippet = AutoQuantizationConfig.from_dict(json.load(stream))
        if str(snippet.to_dict()) != str(load.config.to_dict()):
            raise RuntimeError("quantization_config.json and load.py say different things")
        made = load.load(model, dtype=torch.float32, attn_implementation=ATTENTION)
        torch.set_float32_matmul_precision("highest")  # torchao lets products be taken in bfloat16
        return Transformers(made)

    return open_model


def llm_compressor(folder, words):
    """The original model, quantized anew by the folder's recipes over the text that the simulation took its ranges from."""
    from llmcompressor import oneshot

    import torch
    import transformers
    from datasets import Dataset

    loader = getattr(transformers, words["auto_class"])
    model = loader.from_pretrained(original(words), dtype=torch.float32, attn_implementation=ATTENTION)
    text = {}
    if words["text"]:
        windows = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in words["text"]]
        text = {"dataset": Dataset.from_list(windows), "num_calibration_samples": len(windows), "shuffle_calibration_samples": False,
                "max_seq_length": max(len(ids) for ids in words["text"])}
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place), contextlib.redirect_stdout(sys.stderr):  # it leaves logs about
        for recipe in sorted(folder.glob("recipe*.yaml")):
            model = oneshot(model=model, recipe=str(recipe), **text)
    return Transformers(model)


class Vllm:
    """A decoder in vLLM's engine, in this process and on the CPU. It fuses layers that read the same tensor."""

    FUSED = {"q_proj": "qkv_proj", "k_proj": "qkv_proj", "v_proj": "qkv_proj", "gate_proj": "gate_up_proj", "up_proj": "gate_up_proj"}

    def __init__(self, folder, words):
        import os

        os.environ.update({"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"})
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        import vllm

        with open(folder / "config.json", encoding="utf-8") as stream:
            groups = json.load(stream)["quantization_config"]["config_groups"].values()
        # Its kernels for weights alone know nothing else than bfloat16.
        dtype = "float32" if all(one["input_activations"] for one in groups) else "bfloat16"
        self.engine = vllm.LLM(str(folder), dtype=dtype, enforce_eager=True, max_model_len=64,
                               skip_tokenizer_init=True, max_logprobs=-1, logprobs_mode="raw_logits", disable_log_stats=True,
                               enable_prefix_caching=False, distributed_executor_backend="uni")
        self.sampling = vllm.SamplingParams(temperature=0, max_tokens=1, logprobs=-1, prompt_logprobs=-1, detokenize=False)
        worker = self.engine.llm_engine.model_executor.driver_worker
        self.model = getattr(worker, "worker", worker).model_runner.model

    def answer(self, ids):
        import numpy

        made = self.engine.generate([{"prompt_token_ids": ids}], self.sampling, use_tqdm=False)[0]
        rows = [*made.prompt_logprobs[1:], made.outputs[0].logprobs[0]]  # what follows each token
        return numpy.array([[row[token].logprob for token in range(len(row))] for row in rows], numpy.float32)

    def steps(self, words, given):
        import torch

        noted, hooks, readers = {}, [], {}
        for name, site in words["reads"].items():
            path, last = name.rsplit(".", 1)
            readers.setdefault((f"{path}.{self.FUSED.get(last, last)}", site), []).append(name)
        for (fused, site), names in readers.items():
            names = sorted(names, key=lambda name: [*self.FUSED, name.rsplit(".", 1)[1]].index(name.rsplit(".", 1)[1]))
            ours = torch.from_numpy(given[f"read.{site}"])

            def before(_, inputs, site=site, ours=ours):
                if len(inputs[0]) != len(ours.reshape(-1, ours.shape[-1])):
                    return None  # another pass than that over the text
                noted[f"read.{site}"] = inputs[0].float().clone().numpy()
                return (ours.reshape(inputs[0].shape).to(inputs[0].dtype), *inputs[1:])

            def behind(module, _, output, names=names, rows=ours.numel() // ours.shape[-1]):
                made = output[0] if isinstance(output, tuple) else output
                if len(made) != rows:
                    return
                widths = getattr(module, "output_partition_sizes", [made.shape[-1]])
                for name, part in zip(names, made.float().split(widths, dim=-1), strict=True):
                    noted[f"made.{name}"] = part.contiguous().numpy()

            module = self.find(fused)
            if module is None:
                raise RuntimeError(f"the model has no module {fused}")
            hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(behind)]
        noted["answer"] = self.answer(words["ids"])
        for hook in hooks:
            hook.remove()
        return noted, {}

    def find(self, name):
        return dict(self.model.named_modules()).get(name)


class OnnxGraph:
    """model.onnx in a run time. `start` makes a session of a file; a session turns inputs by name into outputs by name."""

    def __init__(self, folder, start):
        self.path, self.start = folder / "model.onnx", start
        self.session = start(self.path)

    @staticmethod
    def inputs(ids):
        import numpy

        whole = numpy.array([ids], dtype=numpy.int64)
        return {"input_ids": whole, "attention_mask": numpy.ones_like(whole), "token_type_ids": numpy.zeros_like(whole)}

    def answer(self, ids):
        outputs = self.session(self.inputs(ids))
        return (outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"])[0].copy()

    def steps(self, words, given):
        try:
            import onnx
        except ImportError:
            return None, {}  # nothing else here can change a graph
        model = onnx.load(str(self.path))
        values = json.loads(next(one.value for one in model.metadata_props if one.key == "steps"))
        sites = set(words["reads"].values())
        reads = {name: value for name, value in values.items() if name.startswith("read.") and name[5:] in sites}
        made = {name: value for name, value in values.items() if name.startswith("made.") and name[5:] in words["reads"]}
        # Whoever reads such a tensor is given an input of the graph instead; the tensor itself becomes an output.
        other = {value: f"given/{name}" for name, value in reads.items()}
        rounded = {}
        for node in model.graph.node:
            for at, value in enumerate(node.input):
                node.input[at] = other.get(value, value)
            for name in reads:
                if node.output[0] == f"{name[5:]}/operand/rounded":
                    rounded[name] = node.output[0]
        for value, name in other.items():
            width = given[name[len("given/"):]].shape[-1]
            model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "sequence", width]))
        for value in {*reads.values(), *made.values(), *rounded.values()}:
            # Through a node of its own, so that what computes it may still be merged with what follows.
            model.graph.node.append(onnx.helper.make_node("Identity", [value], [f"noted/{value}"]))
            model.graph.output.append(onnx.helper.make_tensor_value_info(f"noted/{value}", onnx.TensorProto.FLOAT, None))
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place) / "steps.onnx"
            onnx.save(model, str(path), save_as_external_data=True, location="steps.data")
            session = self.start(path)
            run = lambda tensors: session({**self.inputs(words["ids"]), **{f"given/{name}": tensors[name] for name in reads}})
            first = run(given)
            noted = {name: first[f"noted/{value}"] for name, value in {**reads, **made}.items()}
            noted["answer"] = (first["logits"] if "logits" in first else first["last_hidden_state"])[0]
            # Their own inputs a second time, to see which values that rounds otherwise.
            second, counts = run(noted), {}
            for name, value in rounded.items():
                add(counts, count_tipped(given[name], noted[name], first[f"noted/{value}"], second[f"noted/{value}"]))
        return noted, counts


def onnx_runtime(folder, words):
    import onnxruntime

    def start(path):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_outputs()]
        asked = {one.name for one in session.get_inputs()}
        return lambda given: dict(zip(names, session.run(names, {name: x for name, x in given.items() if name in asked})))

    return OnnxGraph(folder, start)


def open_vino(folder, words):
    import openvino

    def start(path):
        # Else it casts to bfloat16, and rounds the inputs of products by ranges of its own, where a processor has
        # instructions for that.
        model = openvino.compile_model(str(path), "CPU", {"EXECUTION_MODE_HINT": "ACCURACY"})
        asked = {one.get_any_name() for one in model.inputs}

        def run(given):
            outputs = model({name: x for name, x in given.items() if name in asked})
            # An output may have further names, of what was folded into it.
            return {name: x.copy() for one, x in outputs.items() for name in one.names}

        return run

    return OnnxGraph(folder, start)


WAYS = {"compressed-tensors": (compressed_tensors, ["torch", "transformers", "compressed-tensors"]),
        "compressed-tensors+peft": (compressed_tensors_adapter, ["torch", "transformers", "compressed-tensors", "peft"]),
        "bitsandbytes": (by_configuration("bitsandbytes"), ["torch", "transformers", "bitsandbytes"]),
        "torchao": (by_configuration("torchao"), ["torch", "transformers", "torchao"]),
        "llm-compressor": (llm_compressor, ["torch", "transformers", "compressed-tensors", "llmcompressor"]),
        "vllm": (Vllm, ["torch", "vllm", "vllm-cpu"]), "onnxruntime": (onnx_runtime, ["onnxruntime"]), "openvino": (open_vino, ["openvino"])}


def run(folder, way, probe, out):
    open_model, libraries = WAYS[way]
    said = {"way": way, "versions": versions(libraries)}
    try:
        import numpy
        from safetensors.numpy import load_file, save_file

        model = open_model(folder, probe["words"])
        answers = {f"answer.{i}": model.answer(ids) for i, ids in enumerate(probe["ids"])}
        if isinstance(model, Transformers) and "libtorch" in probe:
            answers |= {f"answer_by_libtorch.{i}": model.answer(ids) for i, ids in enumerate(probe["libtorch"]["ids"])}
        save_file(answers, str(out / f"{way}.safetensors"))
        if "steps" in probe:
            given = load_file(str(folder / pathlib.PurePath(probe["steps"]["tensors"]).name))
            noted, said["steps"] = model.steps(probe["steps"], given)
            if noted is not None:
                noted = {name: numpy.ascontiguousarray(x) for name, x in noted.items()}
                save_file(noted, str(out / f"{way}.steps.safetensors"))
    except ImportError as error:
        return {"way": way, "skipped": f"a library is missing: {error}"}
    except Missing as missing:
        return {"way": way, "skipped": str(missing)}
    return said


def main(folder, out, ways):
    with open(folder / "kurtoscope_export.json", encoding="utf-8") as stream:
        probe = json.load(stream)["probe"]
    for way in ways:
        print(json.dumps(run(folder, way, probe, out)), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4 or not set(sys.argv[3:]) <= set(WAYS):
        sys.exit(f"usage: verify_export.py FOLDER OUT_FOLDER WAY...; WAY is one of {', '.join(WAYS)}")
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
