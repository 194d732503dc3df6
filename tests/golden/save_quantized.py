#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small random model as other software quantizes and saves it, and what it answers then.

    python save_quantized.py KIND OUT

KIND is int8, nf4, nf4-nested or fp4 (transformers with bitsandbytes), or w8a8 or w4a16 (llm-compressor). Writes the folder
OUT with answer.safetensors in it: `ids` and the `logits` of the model that was saved. Ends with code 3 where a library
is missing.
"""
import contextlib
import pathlib
import sys
import tempfile

import tokenizers
import torch
import transformers
from safetensors.torch import save_file

IDS = [5, 9, 33, 21, 7, 100, 44, 3, 78, 12]
BITSANDBYTES = {"int8": {"load_in_8bit": True},
                "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
                "nf4-nested": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
                "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}}


def make_model(out):
    """As wide as every kind's blocks ask for, and with a channel that is larger than the others."""
    torch.manual_seed(11)
    config = transformers.LlamaConfig(vocab_size=300, hidden_size=128, intermediate_size=256, num_hidden_layers=2,
                                      num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.input_layernorm.weight[17] = layer.post_attention_layernorm.weight[17] = 8
    model.save_pretrained(out)
    return out


def by_bitsandbytes(model, kind):
    import bitsandbytes  # noqa: F401

    config = transformers.BitsAndBytesConfig(**BITSANDBYTES[kind])
    return transformers.AutoModelForCausalLM.from_pretrained(model, quantization_config=config, dtype=torch.float32,
                                                             device_map="cpu")


def by_llm_compressor(model, kind):
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier

    # Asked for, though the text comes as ids.
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    made = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    windows = [[(7 * row + 3 * column) % 250 for column in range(24)] for row in range(4)]
    data = Dataset.from_list([{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in windows])
    recipe = (GPTQModifier(targets=["Linear"], scheme="W4A16", ignore=["lm_head"]) if kind == "w4a16" else
              QuantizationModifier(targets=["Linear"], scheme="W8A8", ignore=["lm_head"]))
    return oneshot(model=made, dataset=data, recipe=recipe, num_calibration_samples=4, max_seq_length=24,
                   processor=transformers.PreTrainedTokenizerFast(tokenizer_object=words))


def main(kind, out):
    with tempfile.TemporaryDirectory() as plain, contextlib.chdir(plain):  # where llm-compressor leaves its logs
        try:
            made = (by_bitsandbytes if kind in BITSANDBYTES else by_llm_compressor)(make_model(plain), kind).eval()
        except ImportError as error:
            print(error)
            sys.exit(3)
        made.save_pretrained(out)  # first: bitsandbytes lays weights out for the processor when they are multiplied
        with torch.no_grad():
            logits = made(torch.tensor([IDS])).logits[0].float().contiguous()
        save_file({"ids": torch.tensor(IDS), "logits": logits}, str(pathlib.Path(out) / "answer.safetensors"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], str(pathlib.Path(sys.argv[2]).absolute()))
