"""Makes the training data: conversations as rows of tokens.

A row is one context long and holds whole conversations; `document` says which token belongs to which, so that they do not see each other.
The work is cut into shards, each with a seed of its own: the rows depend on the seed alone, not on how many processes make them.
"""

import os
import random
from pathlib import Path

import numpy as np

import chat
import mix
import tokens

#: Rows that are open at a time while conversations are put where they fit.
OPEN_ROWS = 24

#: What a token counts in the loss, as stored: nothing, as context, as the assistant's.
NOTHING, CONTEXT, ANSWER = 0, 1, 2


def rendered(seed, count):
    """Texts of conversations for the tokenizer, and the conversations."""
    rng = random.Random(f"tokenizer {seed}")
    conversations = [mix.training(rng) for _ in range(count)]
    return ["".join(text for text, _ in chat.segments(*conversation)) for conversation in conversations], conversations


def plain_texts(seed, shard, count):
    """Texts of one shard of the tokenizer's training data."""
    return rendered(f"{seed} {shard}", count)[0]


def make_shard(seed, shard, count, context, folder, forbidden):
    """Makes one shard and writes it to a file. Returns its name, the number of tokens in it, and how many conversations were left out
    because the user says in them what a held-out case asks."""
    tokenizer = tokens.load(Path(folder))
    rng = random.Random(f"corpus {seed} {shard}")
    rows, done, total, left_out = [], [], 0, 0
    for start in range(0, count, 256):
        made = [mix.training(rng) for _ in range(min(256, count - start))]
        fair = [one for one in made if not any(message["role"] == "user" and message["content"] in forbidden for message in one[0])]
        left_out += len(made) - len(fair)
        batch = [chat.segments(*one) for one in fair]
        encoded = iter(tokenizer.encode_batch([text for pieces in batch for text, _ in pieces], add_special_tokens=False))
        for pieces in batch:
            ids, kinds = [], []
            for _, learn in pieces:
                found = next(encoded).ids
                ids += found
                kinds += [ANSWER if learn else CONTEXT] * len(found)
            if len(ids) <= context:
                total += len(ids)
                place(rows, done, ids, kinds, context)
    path = Path(folder) / f"shard-{shard}.npy"
    np.save(path, packed(done + rows, context))
    return str(path), total, left_out


def place(rows, done, ids, kinds, context):
    """Puts a conversation into the fullest open row that has room."""
    fitting = [row for row in rows if row[0] + len(ids) <= context]
    if fitting:
        row = max(fitting, key=lambda row: row[0])
    else:
        if len(rows) >= OPEN_ROWS:
            fullest = max(rows, key=lambda row: row[0])
            rows.remove(fullest)
            done.append(fullest)
        row = [0, []]
        rows.append(row)
    row[0] += len(ids)
    row[1].append((ids, kinds))


def packed(rows, context):
    """Rows as an array [row, 3, context]: tokens, what they count, and documents from 1 on (0 is padding)."""
    out = np.zeros((len(rows), 3, context), dtype=np.uint16)
    for index, (_, conversations) in enumerate(rows):
        at = 0
        for document, (ids, kinds) in enumerate(conversations, 1):
            end = at + len(ids)
            out[index, 0, at:end] = ids
            out[index, 1, at:end] = kinds
            out[index, 2, at:end] = document
            at = end
    return out


def quiet():
    """Settings of a process that makes shards: it uses one core, and leaves room to others."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


class Corpus:
    """Makes the data in other processes while the caller does something else."""

    def __init__(self, pool, seed, shards, conversations, context, folder, forbidden):
        count = conversations // shards
        self.jobs = [pool.apply_async(make_shard, (seed, shard, count, context, str(folder), forbidden)) for shard in range(shards)]

    def rows(self):
        """Waits for all rows: an array [row, 3, context], the number of tokens without padding, and of conversations left out."""
        made = [job.get() for job in self.jobs]
        arrays = []
        for path, _, _ in made:
            arrays.append(np.load(path))
            Path(path).unlink()
        return np.concatenate(arrays), sum(total for _, total, _ in made), sum(left_out for _, _, left_out in made)
