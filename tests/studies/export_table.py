# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's exports differ by from the recipes' simulations, in the software they are for, as Markdown tables, as the exports
page shows them. Minutes on two cores, so no test.

Run: python tests/studies/export_table.py PROGRAM MODEL CALIBRATION PYTHON [GROUP...]; without groups, those for encoders where the
model is one, else those for decoders.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

program, model, calibration, python, *chosen = sys.argv[1:]
FULL = "levels=full"
GROUPS = {
    "encoder": [("compressed-tensors", recipe) for recipe in (
        f"w8a8:{FULL}", "w8a8:symmetric=off", f"w8a8:activation=per-token,{FULL}",
        f"w8a8:activation=per-group,activation_group=32,dynamic=on,{FULL}", f"w8a8:{FULL},keep=top:4", f"w8a8:activation=per-token,{FULL},keep=top:4",
        "rtn:bits=4,group=32", "gptq:bits=4,group=32", "rtn:bits=8,group=0", f"w4a4:{FULL}", "fp8", "fp8:activation=per-token",
        "mx:format=nvfp4,activation_format=16", "mx:format=mxfp4,activation_format=16")],
    "configurations": [("torchao", recipe) for recipe in (
        "w8a8:activation=per-token,levels=full-reciprocal,weight_levels=full-reciprocal", "rtn:bits=8,group=0,levels=full-reciprocal",
        "rtn:bits=4,group=8,levels=full-reciprocal",
        "w8a8:activation=per-token,symmetric=off,levels=full-reciprocal,weight_bits=4,weight=per-group,weight_group=8,weight_levels=full-reciprocal")]
        + [("bitsandbytes", recipe) for recipe in (
            "w8a8:activation=per-token", "llm-int8:threshold=4.5,outliers=bitsandbytes", "llm-int8:threshold=4.5")],
    "onnx": [("onnx", recipe) for recipe in (
        "fp32", f"w8a8:{FULL}", f"w8a8:activation=per-token,{FULL}", f"w8a8:{FULL},keep=top:4", "rtn:bits=4,group=32")],
    "decoder": [("compressed-tensors", recipe) for recipe in (
        f"w8a8:{FULL}", f"w8a8:activation=per-token,{FULL}", f"w8a8:{FULL},keep=auto", f"smoothquant:{FULL}",
        f"rotation:where=residual,online=off+w8a8:{FULL}", f"w8a8:{FULL}+kv-cache:ranges=static,bits=8", "rtn:bits=4,group=32",
        "gptq:bits=4,group=32", "awq:bits=4,group=32,symmetric=on", "fp8", "mx:format=nvfp4,activation_format=16")],
}


def call(*words):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True)


def figure(value):
    return "–" if value is None else "0" if value == 0 else value if isinstance(value, str) else f"{value:.2g}"


def rows(form, recipe):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place, "export")
        made = call("export", model, "--recipe", recipe, "--format", form, "--out", folder, "--calibration", calibration, "--calibration-windows", 2)
        if made.returncode:
            yield "–", {"skipped": made.stderr.strip().splitlines()[-1]}
            return
        done = call("verify", folder, "--python", python, "--json", pathlib.Path(place, "checks.json"))
        if not pathlib.Path(place, "checks.json").exists():
            yield "–", {"skipped": done.stderr.strip().splitlines()[-1]}
            return
        for check in json.loads(pathlib.Path(place, "checks.json").read_text(encoding="utf-8"))["checks"]:
            yield check["way"], check


encoder = json.loads(call("inspect", model, "--data", calibration, "--windows", 1, "--json", "-").stdout or "{}").get("model", {}).get("causal") is False
for group in chosen or (["encoder", "configurations", "onnx"] if encoder else ["decoder", "onnx"]):
    print(f"\n**{group}**\n\n| run by | recipe | layer by layer | freely, by LibTorch's operators | freely | judged |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for form, recipe in GROUPS[group]:
        for way, check in rows(form, recipe):
            if way == "kurtoscope" and check.get("difference") == 0:
                continue  # opened again, the same bit for bit
            steps = check.get("layer_by_layer", {})
            figures = [check["skipped"]] * 3 if "skipped" in check else [
                steps.get("difference"), check.get("difference_by_libtorch"), check.get("difference")]
            judged = "–" if "skipped" in check else "told" if check["tolerance"] in (None, "inf") else "passes" if check["passed"] else "FAILS"
            print(f"| {way} | `{recipe}` | " + " | ".join(map(figure, figures)) + f" | {judged} |", flush=True)
