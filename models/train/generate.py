"""Greedy decoding of many prompts at once, with a cache of keys and values.

Prompts are padded on the right. A padded place is overwritten when the answer reaches it, and before that no query looks so far.
"""

import torch
import torch.nn.functional as F

import model as llama


class Cache:
    """Keys and values of each layer, and the attention that reads them."""

    def __init__(self, config, rows, length, device, dtype):
        shape = (config.num_hidden_layers, rows, config.num_key_value_heads, length, config.head_dim)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.places = torch.arange(length, device=device)

    def attention(self, positions):
        """Attention for tokens at these positions: [row, token]."""
        mask = self.places[None, None, None, :] <= positions[:, None, :, None]
        rows = torch.arange(positions.shape[0], device=positions.device)[:, None]

        def of_layer(layer):
            def attend(q, k, v):
                self.keys[layer][rows, :, positions] = k.transpose(1, 2)
                self.values[layer][rows, :, positions] = v.transpose(1, 2)
                return F.scaled_dot_product_attention(q, self.keys[layer], self.values[layer], attn_mask=mask, enable_gqa=True)

            return attend

        return of_layer


@torch.no_grad()
def greedy(model, prompts, longest, end, dtype=torch.float32, most_rows=384):
    """Answers to prompts (lists of ids), as lists of ids without the end. `longest` is the most tokens of each answer."""
    device = next(model.parameters()).device
    answers = [None] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda index: (longest[index], len(prompts[index])))
    for first in range(0, len(order), most_rows):
        chosen = order[first : first + most_rows]
        found = together(model, [prompts[index] for index in chosen], max(longest[index] for index in chosen), end, device, dtype)
        for index, answer in zip(chosen, found, strict=True):
            answers[index] = answer[: longest[index]]
    return answers


def together(model, prompts, longest, end, device, dtype):
    """Answers to prompts that fit into one batch."""
    config = model.config
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    width = max(map(len, prompts))
    room = min(config.max_position_embeddings, width + longest)
    ids = torch.tensor([prompt + [0] * (width - len(prompt)) for prompt in prompts], device=device)
    cache = Cache(config, len(prompts), room, device, dtype)

    def logits(ids, positions, last=None):
        rope = tuple(part[:, None] for part in llama.frequencies(config, positions))
        hidden, table = model(ids, rope, cache.attention(positions), False, dtype)
        if last is not None:
            hidden = hidden[torch.arange(len(prompts), device=device), last][:, None]
        return F.linear(hidden, table)[:, 0].float()

    positions = torch.arange(width, device=device).expand(len(prompts), width)
    token = logits(ids, positions, lengths - 1).argmax(-1)
    at, done, written = lengths.clone(), torch.zeros(len(prompts), dtype=torch.bool, device=device), []
    for count in range(longest):
        done |= token == end
        written.append(torch.where(done, end, token))
        # Looking at the result costs a wait for the device, so not every time. A row that is full cannot go on.
        if count % 8 == 7 and done.all():
            break
        done |= at >= room
        place = at.clamp(max=room - 1)
        token = logits(token[:, None], place[:, None]).argmax(-1)
        at += 1
    rows = torch.stack(written, 1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]
