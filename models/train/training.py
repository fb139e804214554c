"""Training: Muon and AdamW in bf16 on one GPU, with attention that stays within a conversation, and with weights as q4f16_1 will round them
in the last part of the run.

Matrices of the layers are trained by Muon, whose steps have all singular values alike; the table and the norms by AdamW. On a model of
1.3 million weights, 200 steps of 4096 tokens gave a loss of 2.2 where AdamW alone gave 3.1, both at a rate of 4e-3.

The rate warms up, holds, and falls to zero over the last part. With a number of steps the schedule goes by them, so that a run repeats; with a
time it goes by that, since machines become slower and faster on the way: so many steps as fit are made, and the last is at the end of the schedule.
"""

import math
import time

import torch
import torch.nn.functional as F
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import model as llama
from corpus import ANSWER, CONTEXT
from muon import Muon

#: Shares of the run: warming up, falling to zero at the end, and rounding weights.
WARM, FALL, ROUND = 0.02, 0.5, 0.45

#: What a token that the assistant does not write counts.
CONTEXT_WEIGHT = 0.05

#: Steps that are timed to find how many fit into the minutes given.
TIMED = 40


def rate(progress, peak):
    """The learning rate, by the part of the run that is over."""
    warm = min(1.0, progress / WARM)
    fall = min(1.0, (1 - progress) / FALL)
    return peak * warm * (0.5 - 0.5 * math.cos(math.pi * fall))


class Trainer:
    """A model with its optimizer and the compiled step."""

    def __init__(self, config, seed, batch, peak, device, compiled=True):
        self.config, self.seed, self.batch, self.peak, self.device = config, seed, batch, peak, device
        self.cuda = device == "cuda"
        self.flexible = self.cuda
        self.compiled = compiled and self.cuda
        self.dtype = torch.bfloat16 if self.cuda else torch.float32
        self.reset()

    def reset(self):
        """Starts from the first weights."""
        self.model = llama.Llama(self.config, self.seed).to(self.device)
        table = self.model.model.embed_tokens.weight
        matrices = [weight for weight in self.model.parameters() if weight.dim() == 2 and weight is not table]
        vectors = [weight for weight in self.model.parameters() if weight.dim() != 2]
        groups = [{"params": [table], "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizers = [
            # Scaled so that one rate serves both.
            Muon(matrices, lr=self.peak, weight_decay=0.1),
            torch.optim.AdamW(groups, lr=self.peak, betas=(0.9, 0.95), eps=1e-8, fused=self.cuda),
        ]
        positions = torch.arange(self.config.max_position_embeddings, device=self.device)
        self.rope = llama.frequencies(self.config, positions)
        # One tensor and one function for all steps: a new function each step would be compiled anew.
        self.documents = torch.zeros(self.batch, self.config.max_position_embeddings, dtype=torch.int32, device=self.device)
        self.visible = self.visible_function()
        self.loss = torch.compile(self.loss_of, dynamic=False) if self.compiled else self.loss_of

    def loss_of(self, ids, kinds, mask, fake):
        """The loss of a batch: each token is to be foretold from those before it."""
        attend = self.attention(mask)
        hidden, table = self.model(ids, self.rope, lambda layer: attend, fake, self.dtype)
        logits = F.linear(hidden[:, :-1], table).flatten(0, 1).float()
        weights = (kinds[:, 1:] == ANSWER).float() + CONTEXT_WEIGHT * (kinds[:, 1:] == CONTEXT).float()
        losses = F.cross_entropy(logits, ids[:, 1:].flatten(), reduction="none")
        weights = weights.flatten()
        answers = (kinds[:, 1:].flatten() == ANSWER).float()
        answer_loss = (losses.detach() * answers).sum() / answers.sum().clamp(min=1)
        return (losses * weights).sum() / weights.sum().clamp(min=1e-6), answer_loss

    def attention(self, mask):
        """Attention under a mask that `mask` made."""
        if self.flexible:
            return lambda q, k, v: flex_attention(q, k, v, block_mask=mask, enable_gqa=True)
        # Heads are repeated here, since the fast kernels that take a mask want as many of keys as of queries.
        times = self.config.num_attention_heads // self.config.num_key_value_heads

        def plain(q, k, v):
            k, v = (part.repeat_interleave(times, 1) for part in (k, v))
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

        return plain

    def mask(self, documents):
        """Who sees whom: a token sees those before it in its own conversation."""
        self.documents.copy_(documents)
        rows, length = documents.shape
        if self.flexible:
            return create_block_mask(self.visible, rows, None, length, length, device=self.device, _compile=False)
        same = self.documents[:, None, :, None] == self.documents[:, None, None, :]
        return same & torch.ones(length, length, dtype=torch.bool, device=self.device).tril()

    def visible_function(self):
        """Whether a query sees a key, for a flexible mask."""
        documents = self.documents

        def visible(row, head, query, key):
            return (query >= key) & (documents[row, query] == documents[row, key])

        return visible

    def step(self, rows, rate, fake):
        """One step on rows [row, 3, context]; returns the loss of the assistant's tokens, still on the device."""
        ids, kinds, documents = rows[:, 0].long(), rows[:, 1], rows[:, 2]
        loss, answer_loss = self.loss(ids, kinds, self.mask(documents), fake)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return answer_loss

    def invented_rows(self):
        """Rows for warming up, before there is data."""
        generator = torch.Generator().manual_seed(0)
        context = self.config.max_position_embeddings
        ids = torch.randint(7, 300, (self.batch, 1, context), generator=generator)
        documents = torch.arange(context).view(1, 1, -1).expand(self.batch, 1, -1) // 128 + 1
        # As small integers, which rows are: others would be compiled anew.
        return torch.cat([ids, torch.full_like(ids, ANSWER), documents], 1).to(torch.int16).to(self.device)

    def warm_up(self):
        """Compiles both kinds of steps. If attention with a flexible mask cannot be compiled here, takes the plain one."""
        try:
            self.both_kinds()
        except Exception as error:  # Any of the compiler's many: the reason is printed and training goes on.
            if not self.cuda:
                raise
            print(f"flexible attention does not work here, taking the plain one: {type(error).__name__}: {str(error)[:800]}", flush=True)
            self.flexible = False
            self.reset()
            try:
                self.both_kinds()
            except Exception as error:
                print(f"compiling does not work here, training without: {type(error).__name__}: {str(error)[:800]}", flush=True)
                self.compiled = False
                self.reset()
                self.both_kinds()

    def both_kinds(self):
        """Runs each kind of step twice."""
        rows = self.invented_rows()
        for fake in (False, True):
            for _ in range(2):
                loss = self.step(rows, 0.0, fake)
        if not math.isfinite(loss.item()):
            raise ArithmeticError("the loss of the first steps is not finite")

    def seconds(self, rows):
        """Seconds of a step on these rows: (plain, with rounded weights). The rate is 0, but weights are made anew before training anyway."""
        found = []
        for fake in (False, True):
            for count in (3, TIMED):
                start = time.perf_counter()
                for step in range(count):
                    chosen = torch.arange(step * self.batch, (step + 1) * self.batch) % len(rows)
                    loss = self.step(rows[chosen.to(rows.device)], 0.0, fake)
                loss.item()
            found.append((time.perf_counter() - start) / TIMED)
        return tuple(found)

    def run(self, rows, steps, seconds=math.inf, every=50):
        """Trains on rows in an order that the seed decides, for so many steps; where `seconds` are given, `steps` is how many may fit, and as
        many are made as do. Returns (step, rate, loss of the assistant's tokens) at every so many steps, and at the last."""
        # The same weights as before warming up, without compiling again: only values change.
        fresh = llama.Llama(self.config, self.seed).to(self.device).state_dict()
        self.model.load_state_dict(fresh)
        for optimizer in self.optimizers:
            optimizer.state.clear()
        generator = torch.Generator().manual_seed(self.seed)
        order, at, curve, losses = torch.randperm(len(rows), generator=generator), 0, [], []
        start = time.perf_counter()
        progress, step, pace = 0.0, 0, 1 / steps
        while progress < 1:
            if at + self.batch > len(order):
                order, at = torch.randperm(len(rows), generator=generator), 0
            chosen = order[at : at + self.batch].to(rows.device)
            at += self.batch
            now = rate(min(1.0, progress + pace), self.peak)
            losses.append(self.step(rows[chosen], now, progress >= 1 - ROUND))
            step += 1
            # Of steps, counted, since a sum of fractions would miss the end.
            progress = progress + pace if seconds < math.inf else step / steps
            if step % every == 0 or progress >= 1:
                # The device is waited for here, so that the time is that of steps that are over.
                mean = torch.stack(losses).mean().item()
                losses.clear()
                curve.append((step, now, mean))
                if seconds < math.inf:
                    elapsed = time.perf_counter() - start
                    progress = max(progress, elapsed / seconds)
                    # What is left of the schedule is for the steps that fit into what is left of the time.
                    left = (seconds - elapsed) / (elapsed / step)
                    pace = (1 - progress) / max(1.0, left)
                if step % (20 * every) == 0 or progress >= 1:
                    print(
                        f"step {step}, {100 * progress:.0f} % of the run: loss {mean:.4f}, rate {now:.2e}, {time.perf_counter() - start:.0f} s",
                        flush=True,
                    )
                if not math.isfinite(mean):
                    raise ArithmeticError(f"the loss is {mean} at step {step}")
        return curve
