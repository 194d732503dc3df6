# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/training.json: what torch.optim.AdamW makes of given gradients, and the vocabularies that the
`tokenizers` library trains on given texts.

Needs: pip install torch==2.11.0 tokenizers==0.23.3
Run:   python tests/golden/make_training.py
"""
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(3)


def adamw(rate, beta1, beta2, epsilon, decay, steps=7, size=33):
    start = torch.randn(size, generator=generator)
    gradients = [torch.randn(size, generator=generator) * 10 ** (i % 3 - 1) for i in range(steps)]
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([parameter], lr=rate, betas=(beta1, beta2), eps=epsilon, weight_decay=decay, foreach=False)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return dict(rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon, decay=decay, start=start.tolist(),
                gradients=[g.tolist() for g in gradients], end=parameter.detach().tolist())


def vocabulary(text, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([text], trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    made = json.loads(tokenizer.to_str())["model"]
    return dict(text=text, size=size, merges=[list(m) if isinstance(m, list) else m.split(" ") for m in made["merges"]],
                vocab=[t for t, _ in sorted(made["vocab"].items(), key=lambda item: item[1])])


random.seed(5)
words = ["low", "lower", "lowest", "newer", "wider", "naïve", "über", "1999", "don't", "aaaa", "abababab", "x"]
texts = ["".join(random.choice([" ", "  ", "\n", " - "]) + random.choice(words) for _ in range(400)),
         "aaa aaaa aaaaa bbbb bbb", "a", "Ein Ziel.\n\n  Zwei Ziele!\n"]
golden = dict(adamw=[adamw(1e-3, 0.9, 0.95, 1e-8, 0.1), adamw(0.1, 0.9, 0.999, 1e-6, 0), adamw(1e-2, 0.0, 0.5, 1e-8, 1.0)],
              bpe=[vocabulary(texts[0], 330), vocabulary(texts[0], 257), vocabulary(texts[1], 300), vocabulary(texts[2], 300),
                   vocabulary(texts[3], 280)])
(HERE / "training.json").write_text(json.dumps(golden, ensure_ascii=False, indent=None) + "\n")
