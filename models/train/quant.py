"""q4f16_1 in PyTorch: what a weight is after it went through the package.

Groups of 32 along a row share a scale, max|w| / 7 in half precision; a code is the nearest of fifteen steps (0 to 14, where 7 is zero).
Parts that the package joins (q, k and v; gate and up) need no joining here, since a group never crosses a row.
"""

import torch

GROUP = 32


def dequantized(weight):
    """A matrix as a package gives it back, in f32."""
    groups = weight.float().reshape(*weight.shape[:-1], -1, GROUP)
    greatest = groups.abs().amax(-1, keepdim=True)
    scale = (greatest.half().float() / 7).half().float()
    steps = groups / torch.where(scale == 0, 1.0, scale)
    codes = torch.floor((steps + 7).clamp(0, 14) + 0.5)
    return ((codes - 7) * scale).reshape(weight.shape)


def straight_through(weight):
    """The same for training: the gradient passes as if nothing were rounded."""
    return weight + (dequantized(weight.detach()) - weight.detach())
