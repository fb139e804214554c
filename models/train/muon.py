"""Muon for many small matrices: those of one shape take a step together.

torch.optim.Muon takes some thirty launches a matrix, which for the matrices of a small model are half of a step's time, and all of it the
processor's: with 56 of them a step took 44 ms on an H200, and takes 23.5 with this. The arithmetic is the same; `python3 models/train/muon.py`
compares the two.
"""

import torch

#: Coefficients of the quintic iteration (Keller Jordan, "Muon: an optimizer for hidden layers in neural networks"), and how often it runs.
A, B, C = 3.4445, -4.7750, 2.0315
TURNS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose steps have all singular values alike, at rates that match AdamW's."""

    def __init__(self, matrices, lr, weight_decay=0.1, momentum=0.95):
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        """One step of all matrices that have gradients."""
        for group in self.param_groups:
            shapes = {}
            for weight in group["params"]:
                # An orthogonal matrix is one however it lies.
                shapes.setdefault(tuple(sorted(weight.shape)), []).append(weight)
            for shape, weights in shapes.items():
                self.together(weights, shape, group["lr"], group["weight_decay"], group["momentum"])

    def together(self, weights, shape, rate, decay, momentum):
        """One step of matrices that are alike but for lying down or standing."""
        gradients = torch.stack([lying(weight.grad) for weight in weights])
        state = self.state[weights[0]]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradients)
        mean = state["momentum"].lerp_(gradients, 1 - momentum)
        steps = orthogonal(gradients.lerp(mean, momentum)).to(gradients.dtype)
        torch._foreach_mul_(weights, 1 - rate * decay)
        parts = [step.T if weight.shape[0] > weight.shape[1] else step for weight, step in zip(weights, steps, strict=True)]
        torch._foreach_add_(weights, parts, alpha=-rate * 0.2 * shape[1] ** 0.5)


def lying(matrix):
    """The matrix or its transpose: that which is wider than high."""
    return matrix.T if matrix.shape[0] > matrix.shape[1] else matrix


def orthogonal(matrices):
    """Matrices [count, rows, columns], not higher than wide, with singular values near one: Newton and Schulz in bf16."""
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(TURNS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x


def compare():
    """Takes steps beside torch.optim.Muon: the same weights but for what bf16 rounds."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(256, 256), (128, 256), (704, 256), (256, 704), (704, 256)]
    ours = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    theirs = [weight.detach().clone().requires_grad_() for weight in ours]
    first = [weight.detach().clone() for weight in ours]
    optimizers = Muon(ours, lr=0.02), torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for shape, one, other, start in zip(shapes, ours, theirs, first, strict=True):
        moved, apart = (other - start).norm().item(), (one - other).norm().item()
        print(f"{shape}: moved {moved:.4f}, apart {apart:.6f}")
        if apart > 1e-2 * moved:
            raise ArithmeticError("steps differ from those of torch.optim.Muon")


if __name__ == "__main__":
    compare()
