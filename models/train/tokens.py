"""Trains the tokenizer: byte-level BPE in which each digit is a token, so that numbers line up, and each special token is whole."""

import json

from chat import END, MARKS, PAD, SPECIAL, TEMPLATE

VOCABULARY = 4096


def train_tokenizer(texts, folder, context):
    """Learns merges from texts and writes tokenizer.json and tokenizer_config.json."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL + MARKS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)

    description = json.loads(tokenizer.to_str())
    for token in description["added_tokens"]:
        token["special"] = token["content"] in SPECIAL
    (folder / "tokenizer.json").write_text(json.dumps(description, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "bos_token": None,
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": {
            str(token["id"]): {name: token[name] for name in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
            for token in description["added_tokens"]
        },
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def load(folder):
    """The tokenizer of a folder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def verify(tokenizer, pieces_of_texts):
    """Fails where the tokens of a text differ from those of its pieces, or decoding loses something."""
    for pieces in pieces_of_texts:
        text = "".join(pieces)
        whole = tokenizer.encode(text, add_special_tokens=False).ids
        if whole != [id for piece in pieces for id in tokenizer.encode(piece, add_special_tokens=False).ids]:
            raise AssertionError(f"pieces have other tokens than the whole: {pieces}")
        if tokenizer.decode(whole, skip_special_tokens=False) != text:
            raise AssertionError(f"tokens do not give the text back: {text}")
