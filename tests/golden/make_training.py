# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/training.json: what torch.optim.AdamW makes of given gradients, what torch's autograd makes of every
regularizer and of learned clipping, both written here from their definitions, and the vocabularies that the `tokenizers`
library trains on given texts.

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


def kurtosis(x):
    d = x - x.mean(-1, keepdim=True)
    return (d.pow(4).mean(-1) / d.pow(2).mean(-1).square()).mean()


PENALTIES = [  # the regularizer's words, what it is of, its definition
    ("kurtosis", "output", kurtosis),
    ("kurtosis:over=tensor", "output", lambda x: kurtosis(x.reshape(1, -1))),
    ("linf", "output", lambda x: x.abs().amax(-1).mean()),
    ("activation-l2", "output", lambda x: x.square().mean()),
    ("activation-l2:side=inputs", "input", lambda x: x.square().mean()),
    ("weight-kurtosis", "weight", lambda x: (kurtosis(x.reshape(1, -1)) - 1.8).square()),
]


def penalty(text, side, function, rows=6, channels=9):
    x = torch.randn(rows, channels, generator=generator, dtype=torch.double) * 1.7
    x[2, 3] = 11.5  # a channel that stands out
    x.requires_grad_(True)
    value = function(x)
    value.backward()
    return dict(regularizer=text, side=side, rows=rows, channels=channels, values=x.detach().flatten().tolist(),
                value=value.item(), gradient=x.grad.flatten().tolist())


def rounded(x):
    return x + (x.round() - x).detach()  # straight through


def clipping(low, high, bits, rows=7, channels=11):
    x = torch.randn(rows, channels, generator=generator, dtype=torch.double, requires_grad=True)
    weights = torch.randn(rows, channels, generator=generator, dtype=torch.double)
    ends = torch.tensor([low, high], dtype=torch.double, requires_grad=True)
    least, most = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    scale = (ends[1] - ends[0]) / (most - least)
    zero = rounded(least - ends[0] / scale)
    made = (rounded((x / scale + zero).clamp(least, most)) - zero) * scale
    (made * weights).sum().backward()
    return dict(low=low, high=high, bits=bits, rows=rows, channels=channels, values=x.detach().flatten().tolist(),
                weights=weights.flatten().tolist(), rounded=made.detach().flatten().tolist(), gradient=x.grad.flatten().tolist(),
                ends=ends.grad.tolist())


random.seed(5)
words = ["low", "lower", "lowest", "newer", "wider", "naïve", "über", "1999", "don't", "aaaa", "abababab", "x"]
texts = ["".join(random.choice([" ", "  ", "\n", " - "]) + random.choice(words) for _ in range(400)),
         "aaa aaaa aaaaa bbbb bbb", "a", "Ein Ziel.\n\n  Zwei Ziele!\n"]
golden = dict(adamw=[adamw(1e-3, 0.9, 0.95, 1e-8, 0.1), adamw(0.1, 0.9, 0.999, 1e-6, 0), adamw(1e-2, 0.0, 0.5, 1e-8, 1.0)],
              bpe=[vocabulary(texts[0], 330), vocabulary(texts[0], 257), vocabulary(texts[1], 300), vocabulary(texts[2], 300),
                   vocabulary(texts[3], 280)],
              penalties=[penalty(*one) for one in PENALTIES],
              clipping=[clipping(-1.3, 1.1, 4), clipping(-0.7, 1.9, 2), clipping(-0.4, 0.3, 8), clipping(-6.0, 7.0, 4)])
(HERE / "training.json").write_text(json.dumps(golden, ensure_ascii=False, indent=None) + "\n")
