# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/tiny-*/ (random tiny models as Hugging Face folders) with what Hugging Face computes from them,
and tests/golden/real-*.safetensors for the two real models.

Needs: pip install torch==2.11.0 transformers==5.23.0 tokenizers==0.23.3 safetensors gguf accelerate numpy
Run:   python tests/golden/make_transformers.py [--minilm FOLDER] [--smollm2 FILE.gguf]
Without a model its golden file is left as it is. Seeded: the same versions write the same files.

A tiny folder's golden.safetensors holds, for text i of golden.json: `i.ids`, `i.hidden` (last_hidden_state), `i.logits`
(models with a head) and for the first text of folders with a tokenizer `site/<name>` for every site, in Kurtoscope's
words. `padded.hidden` is the batch of all texts, padded on the right, as Hugging Face computes it.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (AutoModel, AutoModelForCausalLM, BertConfig, BertForMaskedLM, BertForSequenceClassification,
                          BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast)

HERE = Path(__file__).parent
TEXTS = ["The outlier channel of this layer grows, and the grid must stretch.", "A short one.",
         "Most values are small; a few are not, so they decide the range of all the others."]


def randomise(model, seed):
    """Activations of order 1 with a few outlier channels, so that an error in any part shows."""
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        with torch.no_grad():
            if p.dim() == 1:
                scale = name.endswith("weight")
                p.copy_(torch.rand_like(p) + 0.5 if scale else torch.randn_like(p) * 0.2)
            else:
                p.copy_(torch.randn_like(p) * (0.7 if "embed" in name else 1.3 / p.shape[1] ** 0.5))
            if name.endswith(("down_proj.weight", "output.dense.weight")) and "attention" not in name:
                p[5] *= 12  # channel 5 of the stream becomes an outlier
            if name.endswith("mlp.c_proj.weight"):
                p[:, 5] *= 12  # GPT-2 stores the transpose
    return model.eval()


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer, dict(pad_token="<|end|>", eos_token="<|end|>")


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(
        vocab_size=120, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    ids = [(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


def backbone(model):
    return getattr(model, "model", getattr(model, "bert", getattr(model, "transformer", model)))


def sites(model, ids):
    """Every site's tensor of one sequence, named as Kurtoscope names them."""
    seen, hooks = {}, []

    def out(module, site):
        hooks.append(module.register_forward_hook(lambda m, a, o: seen.__setitem__(site, (o[0] if isinstance(o, tuple) else o)[0])))

    def into(module, site):
        hooks.append(module.register_forward_pre_hook(lambda m, a: seen.__setitem__(site, a[0][0])))

    base = backbone(model)
    llama, gpt2 = hasattr(base, "layers"), hasattr(base, "wte")
    out(base.embed_tokens if llama else base.drop if gpt2 else base.embeddings, "embedding")
    for i, layer in enumerate(base.layers if llama else base.h if gpt2 else base.encoder.layer):
        at = f"layers.{i}."
        if gpt2:
            into(layer.attn.c_attn, at + "attn_input")
            hooks.append(layer.attn.c_attn.register_forward_hook(lambda m, a, o, at=at: seen.update(
                zip((at + "query", at + "key", at + "value"), o[0].chunk(3, -1)))))
            into(layer.attn.c_proj, at + "attn_context")
            out(layer.attn.c_proj, at + "attn_output")
            into(layer.ln_2, at + "attn_residual")
            into(layer.mlp.c_fc, at + "mlp_input")
            into(layer.mlp.c_proj, at + "mlp_hidden")
            out(layer.mlp.c_proj, at + "mlp_output")
            out(layer, at + "mlp_residual")
        elif llama:
            into(layer.self_attn.q_proj, at + "attn_input")
            for name, site in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("o_proj", "attn_output")):
                out(getattr(layer.self_attn, name), at + site)
            into(layer.self_attn.o_proj, at + "attn_context")
            into(layer.post_attention_layernorm, at + "attn_residual")
            into(layer.mlp.up_proj, at + "mlp_input")
            into(layer.mlp.down_proj, at + "mlp_hidden")
            out(layer.mlp.down_proj, at + "mlp_output")
            out(layer, at + "mlp_residual")
        else:
            into(layer.attention.self.query, at + "attn_input")
            for name in ("query", "key", "value"):
                out(getattr(layer.attention.self, name), at + name)
            into(layer.attention.output.dense, at + "attn_context")
            out(layer.attention.output.dense, at + "attn_output")
            into(layer.attention.output.LayerNorm, at + "attn_residual")
            into(layer.intermediate.dense, at + "mlp_input")
            into(layer.output.dense, at + "mlp_hidden")
            out(layer.output.dense, at + "mlp_output")
            into(layer.output.LayerNorm, at + "mlp_residual")
            out(layer, at + "mlp_norm")
    result = model(torch.tensor([ids]), output_attentions=True)
    for i, probabilities in enumerate(result.attentions):
        seen[f"layers.{i}.attn_probs"] = probabilities[0].mean(0)  # over heads
    for hook in hooks:
        hook.remove()
    return {f"site/{name}": value.clone() for name, value in seen.items()}


@torch.no_grad()
def tiny(name, model, seed, tokenizer=None, dtype=torch.float32, shards=False, pooling=False):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model = randomise(model, seed).to(dtype)
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    # The sizes below cut a file into three.
    model.save_pretrained(folder, **({"max_shard_size": "18KB"} if shards else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    # Read back as anyone would: float32 computation from what is stored.
    model = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    encode = None
    if tokenizer:
        made, special = tokenizer()
        PreTrainedTokenizerFast(tokenizer_object=made, **special).save_pretrained(folder)
        encode = lambda text: made.encode(text).ids
        (folder / "text.txt").write_text(" ".join(TEXTS * 3) + "\n")
    if pooling:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}\n')
    golden, rows = {}, []
    generator = np.random.default_rng(seed)
    base = backbone(model)
    for i, text in enumerate(TEXTS):
        ids = encode(text) if encode else generator.integers(0, model.config.vocab_size, (24, 7, 15)[i]).tolist()
        rows.append(ids)
        inputs = torch.tensor([ids])
        golden[f"{i}.ids"] = inputs[0]
        golden[f"{i}.hidden"] = base(inputs).last_hidden_state[0]
        if model is not base:
            golden[f"{i}.logits"] = model(inputs).logits[0]
    length = max(map(len, rows))
    batch = torch.tensor([ids + [0] * (length - len(ids)) for ids in rows])
    mask = torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for ids in rows])
    padded = base(batch, attention_mask=mask).last_hidden_state
    for i, ids in enumerate(rows):
        assert (padded[i, :len(ids)] - golden[f"{i}.hidden"]).abs().max() < 2e-5, name
    if encode:
        golden["padded.hidden"] = torch.cat([padded[i, :len(ids)] for i, ids in enumerate(rows)])
        golden |= sites(model, rows[0])
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    (folder / "golden.json").write_text(json.dumps({"texts": TEXTS if encode else [], "rows": rows}) + "\n")
    print(name, sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) // 1024, "kB")


def bert(**more):
    return BertConfig(**(dict(vocab_size=120, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
                              max_position_embeddings=64) | more))


def gpt2(**more):
    return GPT2Config(**(dict(vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_inner=48, n_positions=64, bos_token_id=0,
                              eos_token_id=0, embd_pdrop=0, attn_pdrop=0, resid_pdrop=0) | more))


def llama(**more):
    return LlamaConfig(**(dict(vocab_size=300, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                               num_key_value_heads=2, intermediate_size=48, max_position_embeddings=128,
                               tie_word_embeddings=True) | more))


@torch.no_grad()
def minilm(folder):
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    golden = {}
    for i, text in enumerate(TEXTS[:2]):
        ids = tokenizer.encode(text).ids
        result = model(torch.tensor([ids]), output_hidden_states=True)
        golden[f"{i}.ids"] = torch.tensor(ids)
        golden[f"{i}.hidden"] = result.last_hidden_state[0]
        for layer, hidden in enumerate(result.hidden_states[1:]):
            golden[f"{i}.layers.{layer}.mlp_norm"] = hidden[0, :, CHANNELS_MINILM]
    golden["channels"] = torch.tensor(CHANNELS_MINILM)
    save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "real-minilm.safetensors")


CHANNELS_MINILM = [0, 1, 50, 99, 100, 150, 200, 223, 250, 300, 350, 383]
SMOLLM2_TEXT = ("The outlier channel of this layer grows, and the grid must stretch. Most values are small; a few are not, so "
                "they decide.")
CHANNELS_SMOLLM2 = [0, 1, 50, 100, 150, 200, 250, 300, 350, 400, 450, 506, 507, 508, 550, 575]


def streams(model, ids):
    """The final hidden state and every layer's output, a row a token."""
    seen = {}
    hooks = [layer.register_forward_hook(lambda m, a, o, i=i: seen.__setitem__(i, (o[0] if isinstance(o, tuple) else o).reshape(len(ids), -1)))
             for i, layer in enumerate(model.model.layers)]
    hidden = model.model(torch.tensor([ids])).last_hidden_state[0]
    for hook in hooks:
        hook.remove()
    return hidden, seen


@torch.no_grad()
def smollm2(file):
    file = Path(file)
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    # SMOLLM2_TEXT by the file's own tokenizer, which tests/golden/tokenizers/ holds to the reference.
    ids = [504, 7683, 1153, 7279, 282, 451, 4070, 8759, 28, 284, 260, 6983, 1251, 11310, 30, 3529, 2396, 359, 1165, 43, 253, 1443,
           359, 441, 28, 588, 502, 5754, 30]
    hidden, seen = streams(model, ids)
    logits = model.lm_head(hidden)
    generator = np.random.default_rng(7)
    columns = torch.tensor(np.sort(generator.choice(logits.shape[1], 200, replace=False)))
    top = logits.topk(50)
    golden = {"ids": torch.tensor(ids), "hidden": hidden, "columns": columns, "logits": logits[:, columns],
              "top_ids": top.indices.to(torch.int32), "top_logits": top.values, "channels": torch.tensor(CHANNELS_SMOLLM2)}
    # How far float32 carries here: the same model in float64, and each token's largest distance from it when every weight
    # is off by up to half a step of float32. The layers that make the first massive activations magnify that.
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    exact = streams(torch.nn.Module.double(model), ids)[1]
    torch.nn.Module.float(model)
    noise = {layer: torch.zeros(len(ids)) for layer in exact}
    for seed in range(8):
        shaken = torch.Generator().manual_seed(seed)
        model.load_state_dict({name: (value * (1 + (torch.rand(value.shape, generator=shaken, dtype=torch.float64) - 0.5) * 2.0 ** -23)).float()
                               for name, value in weights.items()})
        for layer, stream in streams(model, ids)[1].items():
            noise[layer] = torch.maximum(noise[layer], (stream.double() - exact[layer])[:, CHANNELS_SMOLLM2].abs().amax(1).float())
    for layer, stream in exact.items():
        golden[f"layers.{layer}.mlp_residual"] = stream[:, CHANNELS_SMOLLM2].float()
        golden[f"layers.{layer}.noise"] = noise[layer]
    save_file({k: v.contiguous() for k, v in golden.items()}, HERE / "real-smollm2.safetensors", {"text": SMOLLM2_TEXT})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minilm")
    parser.add_argument("--smollm2")
    parser.add_argument("--skip-tiny", action="store_true")
    parser.add_argument("--gpt2-only", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if not asked.skip_tiny:
        tiny("tiny-gpt2", GPT2LMHeadModel(gpt2()), 7, bpe)
        tiny("tiny-gpt2-untied", GPT2LMHeadModel(gpt2(vocab_size=96, n_inner=None, activation_function="gelu",
                                                      tie_word_embeddings=False)), 8, dtype=torch.float16)
    if not asked.skip_tiny and not asked.gpt2_only:
        tiny("tiny-bert", BertModel(bert(hidden_act="gelu")), 1, wordpiece, pooling=True)
        tiny("tiny-bert-classifier", BertForSequenceClassification(bert(
            hidden_act="gelu_new", id2label={0: "bad", 1: "so-so", 2: "good"}, label2id={"bad": 0, "so-so": 1, "good": 2})), 2,
            wordpiece, dtype=torch.float16)
        tiny("tiny-bert-masked", BertForMaskedLM(bert(hidden_size=24, num_attention_heads=3, vocab_size=70)), 3, shards=True)
        tiny("tiny-llama", LlamaForCausalLM(llama()), 4, bpe)
        tiny("tiny-llama-scaled", LlamaForCausalLM(llama(
            vocab_size=96, tie_word_embeddings=False, attention_bias=True, mlp_bias=True, head_dim=12, num_key_value_heads=1,
            rope_parameters={"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
                             "high_freq_factor": 4.0, "original_max_position_embeddings": 32})), 5, dtype=torch.bfloat16)
        tiny("tiny-llama-sharded", LlamaForCausalLM(llama(
            vocab_size=96, tie_word_embeddings=False, num_key_value_heads=4, rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0})), 6, dtype=torch.float16, shards=True)
    if asked.minilm:
        minilm(asked.minilm)
    if asked.smollm2:
        smollm2(asked.smollm2)


if __name__ == "__main__":
    main()
