# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/golden/tokenizers/: varied lines, small tokenizers trained on them, and the ids of the reference.

Needs: pip install tokenizers==0.23.3 gguf
Run:   python tests/golden/make_tokenizers.py [--minilm FOLDER] [--smollm2 FILE.gguf]
Without a model its golden files are left as they are. Seeded: the same versions write the same files.
"""

import argparse
import json
import random
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).parent / "tokenizers"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
# Every kind of case rule and mark at once, for the general expression matcher.
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = ("the a of to in is that it was for on with as his they at be this from have or by one had not but what all were "
         "when we there can an your which their said if will each about how up out them then she many some so these would "
         "other into has more her two like him see time could no make than first been its who now people my made over did "
         "down only way find use may water long little very after words called just where most know unquantizable "
         "outlier channels layer attention residual normalization kurtosis tokenizer embedding perplexity "
         "antidisestablishmentarianism don't we're they've I'm you'll he'd it's SHE'S DON'T WE'RE O'Neill rock'n'roll "
         "do not . ? ! , ' n't 's HTTPServer camelCase snake_case CONSTANT_VALUE e.g. i.e. U.S.A. vs. state-of-the-art").split()
SCRIPTS = [
    "Größe naïve café Ångström São Paulo Łódź Dvořák İstanbul ıstanbul ǅungla straße ẞ ﬁne ﬀ ſit ſure'ſ it'ſ",
    "e\u0301 a\u0308 o\u0302\u0323 n\u0303 Z\u0351\u036b\u0343a\u0328\u0301lgo \u0301start q\u0307\u0323 Å \u212b \u2126",
    "我喜欢机器学习。你好，世界！東京都 ひらがな カタカナ ｶﾀｶﾅ 漢字かな混じり文 𠀋𠮷 㐂 豈 〇 々 「引用」 全角ＡＢＣ１２３",
    "한국어 문장입니다 조사 \u1112\u1161\u11ab 각 값", "مرحبا بالعالم، كيف الحال؟ ٠١٢٣ لَا إِلٰهَ شكراً", "नमस्ते दुनिया हिन्दी क्षत्रिय १२३ ज़रा श्री।",
    "สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่าง ๑๒๓ น้ำ", "שלום עולם שָׁלוֹם", "Привет, мир! Ёлка йод ЁЖ Київ", "Καλημέρα κόσμε ΟΔΟΣ ὁ ἄνθρωπος ΐ",
    "বাংলা ভাষা தமிழ் మన తెలుగు ಕನ್ನಡ മലയാളം සිංහල ខ្មែរ မြန်မာ ລາວ བོད ქართული Հայերեն ამჰარული አማርኛ",
    "😀😃 👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🇩🇪🇫🇷🇯🇵 ❤️ ☀︎ 1️⃣ #️⃣ 🤣🥹🫠🫨 🧑‍🚀 ✌🏿 © ® ™ ♥ ½ ² ³ Ⅷ ⅻ ① ㊙ ㎏ ﷺ",
    "x = y**2 + sqrt(z) // 3; if (a[i] != b->c) { return &d; } /* note */ #include <vector>", "def f(x: int = 3) -> str:\n    return f\"{x!r}\"\n",
    "<div class=\"a b\">&nbsp;<br/></div> {\"k\": [1, 2.5e-3, null]} $HOME/.cfg \\n \\t %s %05d",
    "https://example.org/a/b?q=1&r=%20#frag mailto:someone@example.org 192.168.0.1 ::1 C:\\Temp\\x.txt ~/a_b-c.tar.gz",
    "3.14159 1,000,000 -42 +7 0xDEADBEEF 1e10 10% $5.99 €10 £3 ¥100 12:30:45 2024-01-31 1st 22nd 123456789012345 007 ٤٢ ４２ Ⅳ½",
    "…—–“”‘’«»‹›„‚•†‡‰′″⁂※¿¡§¶·°±×÷≠≤≥∞∑∫√∂∆∈∉→⇒↔♠♣{}[]()<>^`~|\\/@#$%&*_+=-",
]
SPACES = [" ", "  ", "   ", "      ", "\t", "\t\t", " \t ", "\n", "\n\n", "\r\n", " \n", "\n ", "  \n  \n", "\r", "\u00a0", "\u3000", "\u2003",
          "\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\u1680", "\u202f", "\u205f", " \u00a0 "]
ODD = ["\x00", "\x01", "\x07", "\x1b[31m", "\x7f", "\x80", "\x9f", "\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2060",
       "\ufeff", "\ufffd", "\ufffe", "\uffff", "\ue000", "\U000f0000", "\U0010ffff", "\u180e", "\u034f", "\u061c", "\ufe0f", "\U000e0041"]
SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[mask]", "[ MASK ]", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_start",
            "<repo_name>", "<|begin_of_text|>", "<|eot|>", "<|eot|><|eot|>", "<mask>", "<m>", "<m><mask>", "solo", "Solo", "naïf", "NAÏF"]


def makeLines():
    r = random.Random(20240131)
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cs", "Cn", "Co")]
    marks = [c for c in assigned if unicodedata.category(c).startswith("M")]
    low = [c for c in assigned if ord(c) < 0x3000]
    lines = ["", " ", "\n", "\x00", "a", "'", "''", "'s", "'S", "'sS", " 's", "\u0301", "a" * 99, "a" * 100, "a" * 101, "é" * 100, "é" * 101,
             "字" * 60, "ab" * 300, " " * 200, "\n" * 90, " \n" * 40, "9" * 70, "!?" * 60, "[CLS]" * 5, "x" + "\u0301" * 120, "\u200d" * 9]
    lines += SCRIPTS + SPACES + ODD + SPECIALS

    def phrase(n):
        out = []
        for _ in range(n):
            w = r.choice(WORDS)
            out.append(r.choice([w, w, w, w.upper(), w.title(), w + r.choice(".,;:!?"), "(" + w + ")"]))
        return r.choice([" ", " ", " ", "  ", r.choice(SPACES)]).join(out)

    def scrap():
        s = r.choice(SCRIPTS)
        i = r.randrange(len(s))
        return s[i:i + r.randint(1, 24)]

    def mixed(n):
        kinds = [lambda: phrase(r.randint(1, 4)), scrap, scrap, lambda: r.choice(SPACES), lambda: r.choice(ODD), lambda: r.choice(SPECIALS),
                 lambda: str(r.randrange(10 ** r.randint(1, 9))), lambda: r.choice(WORDS) + r.choice(marks), lambda: r.choice(SCRIPTS).split()[0]]
        return "".join(r.choice(kinds)() + r.choice(["", "", " "]) for _ in range(n))

    lines += [phrase(r.randint(2, 14)) for _ in range(420)]
    lines += [scrap() + r.choice(["", " ", r.choice(SPACES)]) + scrap() for _ in range(420)]
    lines += [mixed(r.randint(2, 7)) for _ in range(760)]
    lines += ["".join(r.choice(low) for _ in range(r.randint(1, 14))) for _ in range(180)]
    lines += ["".join(r.choice(assigned) + r.choice(["", " ", r.choice(marks)]) for _ in range(r.randint(1, 10))) for _ in range(180)]
    lines += ["".join(r.choice(WORDS) for _ in range(r.randint(6, 30))) for _ in range(30)]  # long words
    lines += ["  " * r.randint(0, 6) + r.choice(SCRIPTS[12:15]).replace(" ", r.choice([" ", "\t", "\n  "])) for _ in range(60)]  # code
    assert len(lines) >= 2000, len(lines)
    return lines


def writeLines(name, rows):
    (OUT / name).write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))


def writeJsonRows(name, rows):
    (OUT / name).write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def idsOf(tokenizer, lines):
    return [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=False)]


def cases(name, tokenizer, lines):
    """Templates, truncation, pairs and decoding."""
    r = random.Random(7)
    rows = []
    texts = [x for x in lines if len(x) < 120]
    for i in range(150):
        a, b = r.choice(texts), r.choice(texts)
        length = r.choice([0, 0, 3, 4, 5, 6, 7, 8, 9, 12, 17, 24, 31])
        tokenizer.enable_truncation(length, strategy="longest_first") if length else tokenizer.no_truncation()
        one, two = tokenizer.encode(a), tokenizer.encode(a, b)
        bare = tokenizer.encode(a, add_special_tokens=False)
        rows.append({"a": a, "b": b, "length": length, "ids": one.ids, "types": one.type_ids, "pair": two.ids, "pairTypes": two.type_ids,
                     "bare": bare.ids, "decoded": tokenizer.decode(two.ids, skip_special_tokens=False),
                     "skipped": tokenizer.decode(two.ids, skip_special_tokens=True)})
    tokenizer.no_truncation()
    writeJsonRows(f"{name}.cases.json", rows)


def trained(lines):
    specials = ["<|endoftext|>", "<|begin_of_text|>", "<|eot|>"]
    byteTrainer = trainers.BpeTrainer(vocab_size=1400, special_tokens=specials, show_progress=False,
                                      initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    gpt2 = Tokenizer(models.BPE())
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    gpt2.decoder = decoders.ByteLevel()
    gpt2.train_from_iterator(lines, byteTrainer)
    gpt2.add_special_tokens([AddedToken("<mask>", lstrip=True), AddedToken("<m>", rstrip=True, lstrip=True)])
    gpt2.add_tokens([AddedToken("solo", single_word=True), AddedToken("naïf", normalized=True)])

    llama3 = Tokenizer(models.BPE(ignore_merges=True))
    llama3.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    llama3.decoder = decoders.ByteLevel()
    # No initial alphabet: bytes that the text lacks have no token and are dropped.
    llama3.train_from_iterator([x for x in lines if x.isascii()],
                               trainers.BpeTrainer(vocab_size=1000, special_tokens=specials, show_progress=False))
    begin = llama3.token_to_id("<|begin_of_text|>")
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", begin)])])

    wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=False)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    wordpiece.decoder = decoders.WordPiece()
    wordpiece.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=1800, limit_alphabet=700, show_progress=False,
                                                                   special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    wordpiece.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return {"gpt2": gpt2, "llama3": llama3, "wordpiece": wordpiece}


def variants(lines):
    """Parts of tokenizer.json exchanged one at a time; ids of some lines under each."""
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    byteLevel = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    bare = {**byteLevel, "use_regex": False}

    def split(kind, text, behavior, invert):
        part = {"type": "Split", "pattern": {kind: text}, "behavior": behavior, "invert": invert}
        return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [part, bare]}}

    changes = [("gpt2", {"normalizer": {"type": n}}) for n in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")]
    changes += [("gpt2", {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}})]
    changes += [("gpt2", {"normalizer": bert})]
    changes += [("wordpiece", {"normalizer": {**bert, **change}}) for change in
                ({}, {"clean_text": False}, {"handle_chinese_chars": False}, {"strip_accents": False}, {"lowercase": False, "strip_accents": True})]
    changes += [("gpt2", {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": d}, b]}})
                for d in (True, False) for b in (byteLevel, {**byteLevel, "add_prefix_space": True})]
    changes += [("gpt2", {"pre_tokenizer": {**byteLevel, "add_prefix_space": True}}), ("gpt2", {"pre_tokenizer": bare})]
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            changes += [("gpt2", split("Regex", r"\s|[0-9]+\S", behavior, invert)), ("gpt2", split("String", "e", behavior, invert))]
    changes += [("gpt2", split("Regex", p, "Isolated", False)) for p in (QWEN2, LLAMA3, CASED)]
    changes += [("gpt2", split("Regex", LLAMA3, "Removed", True))]
    rows = []
    r = random.Random(11)
    for base, change in changes:
        document = json.loads((OUT / f"{base}.json").read_text())
        document.update(change)
        tokenizer = Tokenizer.from_str(json.dumps(document))
        picked = sorted(r.sample(range(len(lines)), 60))
        rows.append({"base": base, "change": change, "lines": picked, "ids": idsOf(tokenizer, [lines[i] for i in picked])})
    writeJsonRows("variants.json", rows)


def smollm2(file):
    from gguf import GGUFReader
    fields = GGUFReader(file).fields
    read = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens, merges = read("tokens"), [tuple(m.split(" ")) for m in read("merges")]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([t for t, kind in zip(tokens, read("token_type")) if kind == 3])
    return tokenizer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minilm", type=Path)
    arguments.add_argument("--smollm2", type=Path)
    options = arguments.parse_args()
    OUT.mkdir(exist_ok=True)
    lines = makeLines()
    writeJsonRows("lines.json", lines)
    for name, tokenizer in trained(lines).items():
        document = json.loads(tokenizer.to_str())
        if name == "gpt2":  # the older spelling of merges, which most files in the world have
            document["model"]["merges"] = [" ".join(m) for m in document["model"]["merges"]]
        (OUT / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
        tokenizer = Tokenizer.from_file(str(OUT / f"{name}.json"))
        writeLines(f"{name}.ids", idsOf(tokenizer, lines))
        cases(name, tokenizer, lines)
    variants(lines)
    real = {}
    if options.minilm:
        real["minilm"] = Tokenizer.from_file(str(options.minilm / "tokenizer.json"))
        real["minilm"].no_padding()
        real["minilm"].no_truncation()
    if options.smollm2:
        real["smollm2"] = smollm2(options.smollm2)
    for name, tokenizer in real.items():
        writeLines(f"{name}.ids", idsOf(tokenizer, lines))
        cases(name, tokenizer, lines)


if __name__ == "__main__":
    main()
