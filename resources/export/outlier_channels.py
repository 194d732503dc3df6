# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads a checkpoint whose outlier channels stand beside it, in floating point.

    import outlier_channels
    model = outlier_channels.load("FOLDER")

A linear layer's columns of those channels are zero in model.safetensors. Before the layer runs, the channels are taken
out of its input, so that they have no say in how the rest is rounded; behind it, their product with the columns in
outlier_channels.safetensors is added: y = Q(x)·Wq + x[:, S]·W[:, S].

Needs torch, transformers, safetensors and compressed-tensors. `python outlier_channels.py FOLDER` says what it found.
"""
import importlib
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

FORMAT, VERSION = "outlier-channels", 1


class OutlierError(Exception):
    pass


def read(folder):
    """The side-car's modules: {name: (channels, weight [out, channels])}. Raises OutlierError."""
    folder = pathlib.Path(folder)
    try:
        with open(folder / "outlier_channels.json", encoding="utf-8") as stream:
            words = json.load(stream)
    except (OSError, ValueError) as error:
        raise OutlierError(f"{folder / 'outlier_channels.json'}: {error}") from error
    if words.get("format") != FORMAT or words.get("version") != VERSION:
        raise OutlierError(f"{folder}: {FORMAT} version {VERSION} was expected, got {words.get('format')} "
                           f"version {words.get('version')}")
    tensors = load_file(str(folder / pathlib.PurePath(words["tensors"]).name))
    modules = {}
    for name, entry in words["modules"].items():
        index, weight = tensors[f"{name}.outlier_index"], tensors[f"{name}.outlier_weight"]
        if index.tolist() != entry["channels"] or weight.shape[1] != len(entry["channels"]):
            raise OutlierError(f"{name}: json and safetensors do not name the same channels")
        modules[name] = (index.long(), weight)
    return words, modules


def find(model, name):
    """The module, whatever prefix its class puts in front of the names or leaves out."""
    known = dict(model.named_modules())
    bare = name.split(".", 1)[1] if name.split(".", 1)[0] in ("bert", "model") else name
    for candidate in (name, bare, f"{model.base_model_prefix}.{name}"):
        if candidate in known:
            return known[candidate]
    raise OutlierError(f"the model has no module {name}")


def patch(model, modules):
    """Adds the channels to each module by hooks; those of compressed-tensors stay as they are."""
    for name, (index, weight) in modules.items():
        module = find(model, name)
        taken = []

        def before(_, inputs, index=index, taken=taken):
            x = inputs[0]
            place = index.to(x.device)
            taken.append(x.index_select(-1, place))
            return (x.index_fill(-1, place, 0), *inputs[1:])

        def behind(_, __, output, weight=weight, taken=taken):
            kept = taken.pop()
            return output + torch.nn.functional.linear(kept, weight.to(kept.device, kept.dtype))

        module.register_forward_pre_hook(before)
        module.register_forward_hook(behind)
    return model


def load(folder, auto_class=None, **settings):
    """The model with its outlier channels; `settings` go to from_pretrained."""
    words, modules = read(folder)
    loader = getattr(importlib.import_module("transformers"), auto_class or words.get("auto_class", "AutoModel"))
    model = loader.from_pretrained(str(folder), **settings)
    # A one-hot adapter in the same folder does the same; both would add the channels twice.
    if getattr(model, "_hf_peft_config_loaded", False):
        model.disable_adapters()
    return patch(model, modules)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: outlier_channels.py FOLDER")
    try:
        found = read(sys.argv[1])[1]
    except OutlierError as problem:
        sys.exit(str(problem))
    print(f"{sum(len(index) for index, _ in found.values())} channels in {len(found)} modules")
