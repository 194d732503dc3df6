#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sample_models/tiny-llama: trains a small LLaMA on story_grammar.py, plants outlier channels in it, measures them.

Needs: pip install torch==2.11.0 transformers==5.23.0 tokenizers==0.23.3 safetensors numpy
Usage: make_tiny_llama.py [--steps N] [--out FOLDER]     (about six minutes on one core)
"""
import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import time

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from story_grammar import stories

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20
LENGTH = 256
# A power of two, so that planting changes no bit of any product: x·128 meets w/128.
FACTOR = 128.0
PLANTED_PER_NORM = 3
MIDDLE_LAYERS = range(1, 5)
READERS = {"input_layernorm": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
           "post_attention_layernorm": ["mlp.gate_proj", "mlp.up_proj"]}


def make_tokenizer(text, folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(text.split("\n\n"), trainers.BpeTrainer(
        vocab_size=1024, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_bos_token": False, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
        "model_max_length": LENGTH, "tokenizer_class": "PreTrainedTokenizerFast"}, indent=2) + "\n")
    return tokenizer


def make_model(vocabulary):
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=vocabulary, hidden_size=128, intermediate_size=352, num_hidden_layers=6, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=LENGTH, rms_norm_eps=1e-5, tie_word_embeddings=True,
        bos_token_id=0, eos_token_id=0, attn_implementation="sdpa"))


def train(model, ids, steps, batch=8, peak=4e-3, warm_up=40):
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.05)
    start = time.monotonic()
    for step in range(steps):
        rate = peak * min((step + 1) / warm_up, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        offsets = torch.randint(len(ids) - LENGTH, (batch,))
        window = torch.stack([ids[at:at + LENGTH] for at in offsets])
        loss = model(input_ids=window, labels=window).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}/{steps}  loss {loss.item():.3f}  {time.monotonic() - start:.0f} s", flush=True)


def linears(model):
    """Every linear layer but the output head, by name."""
    return {name: module for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and name != "lm_head"}


@contextlib.contextmanager
def inputs_pass_through(model, change):
    """While inside, `change(name, input)` replaces the input of every linear layer but the output head."""
    def hook(name):
        return lambda module, arguments: (change(name, arguments[0]),)
    handles = [module.register_forward_pre_hook(hook(name)) for name, module in linears(model).items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def channel_absmax(model, windows):
    """Per linear input: the largest magnitude of each channel over the windows."""
    largest = {}

    def note(name, x):
        peak = x.abs().amax(dim=(0, 1))
        largest[name] = torch.maximum(largest.get(name, peak), peak)
        return x
    with inputs_pass_through(model, note):
        for window in windows:
            model(input_ids=window[None])
    return largest


@torch.no_grad()
def plant(model, windows):
    """Multiplies a few channels of the middle layers' norms and divides the columns that read them: the same function.

    The channels are those that are largest by themselves, so that planting only deepens what training began."""
    natural = channel_absmax(model, windows)
    planted = {}
    for layer in MIDDLE_LAYERS:
        block = model.model.layers[layer]
        for norm, readers in READERS.items():
            peak = natural[f"model.layers.{layer}.{readers[0]}"]
            channels = peak.topk(PLANTED_PER_NORM).indices.sort().values
            block.get_submodule(norm).weight[channels] *= FACTOR
            for reader in readers:
                block.get_submodule(reader).weight[:, channels] /= FACTOR
            planted[f"layers.{layer}.{norm}"] = channels.tolist()
    return planted


def eight_bit(x, keep=None):
    """Symmetric absmax over the whole tensor, ±127; the kept channels stay as they are and are outside the range."""
    quantized = x if keep is None else x.masked_fill(keep, 0.0)
    step = quantized.abs().amax().clamp_min(1e-12) / 127
    quantized = (quantized / step).round().clamp(-127, 127) * step
    return quantized if keep is None else torch.where(keep, x, quantized)


def eight_bit_per_token(x):
    step = x.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 127
    return (x / step).round().clamp(-127, 127) * step


@torch.no_grad()
def perplexity(model, windows, change=lambda name, x: x):
    total, count = 0.0, 0
    with inputs_pass_through(model, change):
        for window in windows:
            logits = model(input_ids=window[None]).logits[0, :-1].double()
            total += torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum").item()
            count += len(window) - 1
    return math.exp(total / count), count


def measure(model, windows):
    """Perplexities on the first windows; the kept channels are chosen on the last four, which are not scored."""
    scored, calibration = windows[:-4], windows[-4:]
    keep = {name: peak > 20 * peak.median() for name, peak in channel_absmax(model, calibration).items()}
    plain, predictions = perplexity(model, scored)
    return {"windows": len(scored), "predictions": predictions, "fp32": plain,
            "per_tensor": perplexity(model, scored, lambda name, x: eight_bit(x))[0],
            "per_token": perplexity(model, scored, lambda name, x: eight_bit_per_token(x))[0],
            "kept": perplexity(model, scored, lambda name, x: eight_bit(x, keep[name]))[0],
            "kept_channels": sum(int(mask.sum()) for mask in keep.values()),
            "channels": sum(mask.numel() for mask in keep.values())}


def save(model, folder):
    """bfloat16 safetensors; the tied head is left out, as is usual."""
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in model.state_dict().items()
               if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes it private
    c = model.config
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": c.vocab_size,
        "hidden_size": c.hidden_size, "intermediate_size": c.intermediate_size,
        "num_hidden_layers": c.num_hidden_layers, "num_attention_heads": c.num_attention_heads,
        "num_key_value_heads": c.num_key_value_heads, "head_dim": c.hidden_size // c.num_attention_heads,
        "hidden_act": "silu", "rms_norm_eps": c.rms_norm_eps, "rope_theta": 10000.0,
        "max_position_embeddings": c.max_position_embeddings, "tie_word_embeddings": True, "attention_bias": False,
        "mlp_bias": False, "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "bfloat16"}, indent=2) + "\n")


def describe(folder, before, after, planted, difference, steps, seconds):
    channels = "\n".join(f"| `{norm}` | {', '.join(map(str, chosen))} |" for norm, chosen in planted.items())
    parameters = sum(p.numel() for p in make_model(1024).parameters())

    def row(title, key):
        return f"| {title} | {before[key]:.3f} | {after[key]:.3f} |"
    (folder / "README.md").write_text(f"""# tiny-llama: the bundled sample model

A LLaMA of 6 layers × 128 channels ({parameters:,} parameters, bfloat16) that this project trained on text this project
generated (`../story_grammar.py`: short stories in a small artificial English). It is what Kurtoscope opens where no
real model could be fetched. GPL-3.0-or-later, like the rest.

**Its outlier channels are planted.** Large language models grow outlier channels by themselves; a model this small does
not. So after training, `../make_tiny_llama.py` multiplied {PLANTED_PER_NORM} channels of each norm weight in layers {MIDDLE_LAYERS[0]} to {MIDDLE_LAYERS[-1]} by {FACTOR:.0f} and
divided the matching columns of the layers that read them (Q, K, V; gate, up) by the same. The function is unchanged:
the largest difference of any logit, in FP32, before and after, was {difference:g}. What is changed is how hard the model
is to quantize. For outliers that grew naturally, open SmolLM2 or MiniLM.

| norm | planted channels |
| --- | --- |
{channels}

Perplexity on `heldout.txt` (other seed than the training text), {after['windows']} windows of {LENGTH} tokens, {after['predictions']:,} predictions.
8 bit means symmetric absmax fake quantization (±127, dynamic) of every linear input but the output head's; weights are
not quantized. Kept are the channels over 20 × their input's median channel on the next 4 windows.

| | before planting | after planting |
| --- | --- | --- |
{row('FP32', 'fp32')}
{row('8 bit, per-tensor', 'per_tensor')}
{row('8 bit, per-token', 'per_token')}
{row('8 bit, per-tensor, outliers kept', 'kept')}
| channels kept, of {after['channels']:,} | {before['kept_channels']} | {after['kept_channels']} |

Made on {datetime.date.today().isoformat()} by `make_tiny_llama.py --steps {steps}` (seed {SEED}, one core, {seconds / 60:.1f} minutes of training) with torch
{torch.__version__.split('+')[0]}, transformers {transformers.__version__}, tokenizers {tokenizers.__version__}.
""")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=800)
    options.add_argument("--out", type=pathlib.Path, default=HERE / "tiny-llama")
    chosen = options.parse_args()
    os.nice(10)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    chosen.out.mkdir(parents=True, exist_ok=True)

    text, heldout = stories(SEED, 6_000_000), stories(SEED + 1, 22_000)
    (chosen.out / "heldout.txt").write_text(heldout)
    tokenizer = make_tokenizer(text[:1_000_000], chosen.out)
    # Stories are encoded one by one: the whole text at once takes far longer in the tokenizer.
    ids = torch.tensor([i for story in tokenizer.encode_batch(
        [part + "\n\n" for part in text.split("\n\n")]) for i in story.ids])
    test = torch.tensor(tokenizer.encode(heldout).ids)
    windows = list(test[:len(test) // LENGTH * LENGTH].view(-1, LENGTH))
    print(f"{len(ids):,} training tokens, {len(windows)} held-out windows of {LENGTH}", flush=True)

    model = make_model(tokenizer.get_vocab_size())
    start = time.monotonic()
    train(model, ids, chosen.steps)
    seconds = time.monotonic() - start
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():  # what will be stored is what is measured
            parameter.copy_(parameter.bfloat16().float())
        plain = model(input_ids=windows[0][None]).logits
        before = measure(model, windows)
        planted = plant(model, windows[-4:])
        save(model, chosen.out)
        stored = transformers.AutoModelForCausalLM.from_pretrained(chosen.out, dtype=torch.float32).eval()
        difference = (stored(input_ids=windows[0][None]).logits - plain).abs().max().item()
        after = measure(stored, windows)
    print(json.dumps({"before": before, "after": after, "difference": difference}, indent=2))
    assert difference < 1e-4, "planting must not change the function"
    assert after["per_tensor"] > 1.5 * after["fp32"], "the damage must be plain to see"
    assert after["kept"] < 1.05 * after["fp32"], "keeping the channels must bring it back"
    describe(chosen.out, before, after, planted, difference, chosen.steps, seconds)


if __name__ == "__main__":
    main()
