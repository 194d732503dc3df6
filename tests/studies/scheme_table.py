# SPDX-License-Identifier: GPL-3.0-or-later
"""Every scheme on one model and one file as a Markdown table, best divergence last in each group, as README's performance and
schemes pages show it. Minutes on two cores, so no test.

Run: python tests/studies/scheme_table.py PROGRAM MODEL DATA [evaluate's options, e.g. --windows 8 --length 256]
"""
import json
import subprocess
import sys

program, model, data, *options = sys.argv[1:]
GROUPS = {
    "casts": ["fp16", "bf16", "fp8", "fp8:activation=per-token", "mx:format=mxfp8_e4m3", "mx:format=mxfp6_e3m2", "mx:format=mxfp4", "mx:format=nvfp4"],
    "8 bits": ["w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token", "percentile:p=99.9", "percentile:p=99.99", "w8a8:range=mse", "w8a8:range=entropy",
               "kept", "llm-int8", "mixed", "peg:groups=6", "smoothquant:activation=per-tensor", "smoothquant", "rotation:activation=per-tensor", "rotation"],
    "4-bit weights": ["rtn:bits=4", "awq:bits=4", "gptq:bits=4", "rtn:bits=3", "awq:bits=3", "gptq:bits=3"],
    "4-bit activations": ["w4a8", "w4a4", "w4a4:keep=top:8", "rotation+w4a4", "rotation:activation_bits=4+gptq:bits=4", "w8a8:dynamic=on+kv-cache:bits=4"],
}


def cell(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


# What this build does not know is left out, and said.
known = {scheme["id"] for scheme in json.loads(subprocess.run([program, "schemes", "--json", "-"], capture_output=True, check=True).stdout)["schemes"]}
for title, recipes in GROUPS.items():
    unknown = [r for r in recipes if any(part.split(":")[0] not in known for part in r.split("+"))]
    if unknown:
        print("not known to this build:", ", ".join(unknown), file=sys.stderr)
    recipes = ["fp32"] + [r for r in recipes if r not in unknown]
    call = [program, "evaluate", model, "--data", data, "--no-latency", "--kernels", "simulated", "--json", "-", *options]
    for recipe in recipes:
        call += ["--recipe", recipe]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.splitlines()[-1])
    readings = json.loads(done.stdout)["readings"]
    print(f"\n**{title}**\n\n| recipe | {readings[0]['metric']} ± se | vs FP32 ± se | KL (nats) | SQNR (dB) | weight bits | activation bits |\n| --- | --- | --- | --- | --- | --- | --- |")
    for r in readings:
        difference = r["difference"] if abs(r["difference"]) > 1e-12 else 0.0  # sums end in other last bits
        print(f"| `{r['recipe']}` | {r['score']:.4g} ± {r['stderr']:.2g} | {difference:+.3g} ± {r['difference_stderr']:.2g} | {cell(r['kl_mean'], 4)} | "
              f"{cell(r['sqnr_db'], 1)} | {r['effective_bits']:.2f} | {r['activation_bits']:.2f} |", flush=True)
