# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tunes all-MiniLM-L6-v2 on SST-2 and writes it as a sentence-transformers folder whose last module is a Dense layer with
two outputs: the classifier that `kurtoscope reproduce activation-outliers` is shown on. All weights, mean pooling and a linear
head, AdamW (1e-4, head 1e-3), batches of 32 by length, 3 epochs; about 7 minutes on two cores. With --head-only the encoder
stays as it is and only the head learns.

Needs: pip install torch transformers safetensors
Run:   python tests/studies/finetune_sst2.py MINILM_FOLDER SST2_FOLDER OUT_FOLDER [--head-only]
"""
import json
import pathlib
import random
import shutil
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

source, data, out = map(pathlib.Path, sys.argv[1:4])
head_only = "--head-only" in sys.argv
EPOCHS, BATCH, LENGTH = (8 if head_only else 3), 32, 64
torch.manual_seed(1)
random.seed(1)


def rows(name):
    lines = [line.split("\t", 1) for line in (data / name).read_text(encoding="utf-8").splitlines() if line]
    return [(sentence, int(label)) for label, sentence in lines]


def batches(items, tokenizer, shuffled):
    order = sorted(items, key=lambda item: len(item[0]))
    groups = [order[i:i + BATCH] for i in range(0, len(order), BATCH)]
    if shuffled:
        random.shuffle(groups)
    for group in groups:
        yield tokenizer([s for s, _ in group], padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"), torch.tensor([y for _, y in group])


def pooled(model, words):
    hidden = model(**words).last_hidden_state
    mask = words["attention_mask"].unsqueeze(-1)
    return (hidden * mask).sum(1) / mask.sum(1)


tokenizer, model = AutoTokenizer.from_pretrained(source), AutoModel.from_pretrained(source, dtype=torch.float32)
head = torch.nn.Linear(model.config.hidden_size, 2)
train, dev = rows("train.tsv"), rows("dev.tsv")
groups = [{"params": head.parameters(), "lr": 1e-3 if not head_only else 1e-2}]
if not head_only:
    groups.append({"params": model.parameters(), "lr": 1e-4})
optimizer = torch.optim.AdamW(groups)
steps = EPOCHS * ((len(train) + BATCH - 1) // BATCH)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps)))
model.eval()  # dropout stays off
for epoch in range(EPOCHS):
    for words, labels in batches(train, tokenizer, True):
        with torch.set_grad_enabled(not head_only):
            vectors = pooled(model, words)
        loss = torch.nn.functional.cross_entropy(head(vectors), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        right = sum(int((head(pooled(model, words)).argmax(1) == labels).sum()) for words, labels in batches(dev, tokenizer, False))
    print(f"epoch {epoch + 1}: dev accuracy {right / len(dev):.4f}", flush=True)

model.config.id2label, model.config.label2id = {0: "negative", 1: "positive"}, {"negative": 0, "positive": 1}
out.mkdir(parents=True, exist_ok=True)
model.save_pretrained(out, safe_serialization=True)
tokenizer.save_pretrained(out)
for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
    if (source / name).exists():
        shutil.copy(source / name, out / name)
(out / "1_Pooling").mkdir(exist_ok=True)
(out / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": model.config.hidden_size, "pooling_mode_mean_tokens": True}, indent=1))
(out / "2_Dense").mkdir(exist_ok=True)
(out / "2_Dense/config.json").write_text(json.dumps({"in_features": model.config.hidden_size, "out_features": 2, "bias": True,
                                                    "activation_function": "torch.nn.modules.linear.Identity"}, indent=1))
save_file({"linear.weight": head.weight.detach().contiguous(), "linear.bias": head.bias.detach()}, out / "2_Dense/model.safetensors")
(out / "modules.json").write_text(json.dumps([
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}], indent=1))
