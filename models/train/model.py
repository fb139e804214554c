"""The model: Llama, with Hugging Face's names and conventions, so that its weights are the file that others read."""

import json
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

import quant


@dataclass
class Config:
    """Sizes, named as in config.json."""

    vocab_size: int = 4096
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 8
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    head_dim: int = 32
    max_position_embeddings: int = 1024
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5

    def to_json(self, end, pad):
        """config.json; `end` and `pad` are ids of tokens."""
        fixed = {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "rope_scaling": None,
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": end,
            "pad_token_id": pad,
            "torch_dtype": "float16",
        }
        return json.dumps(fixed | asdict(self), indent=2) + "\n"


class Norm(nn.Module):
    """RMSNorm, in f32."""

    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.eps)
        return (y * self.weight).to(x.dtype)


class Linear(nn.Module):
    """A matrix without bias, which can act as it will after quantization."""

    def __init__(self, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x, fake):
        weight = quant.straight_through(self.weight) if fake else self.weight
        return F.linear(x, weight.to(x.dtype))


class Attention(nn.Module):
    """Attention with fewer key and value heads than query heads."""

    def __init__(self, config):
        super().__init__()
        self.heads, self.kv_heads, self.dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        self.q_proj = Linear(self.heads * self.dim, config.hidden_size)
        self.k_proj = Linear(self.kv_heads * self.dim, config.hidden_size)
        self.v_proj = Linear(self.kv_heads * self.dim, config.hidden_size)
        self.o_proj = Linear(config.hidden_size, self.heads * self.dim)

    def forward(self, x, rope, attend, fake):
        rows, length, _ = x.shape

        def split(y, heads):
            return y.view(rows, length, heads, self.dim).transpose(1, 2)

        q = rotated(split(self.q_proj(x, fake), self.heads), rope)
        k = rotated(split(self.k_proj(x, fake), self.kv_heads), rope)
        v = split(self.v_proj(x, fake), self.kv_heads)
        y = attend(q, k, v)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, self.heads * self.dim), fake)


class Mlp(nn.Module):
    """SiLU of the gate, times up, through down."""

    def __init__(self, config):
        super().__init__()
        self.gate_proj = Linear(config.intermediate_size, config.hidden_size)
        self.up_proj = Linear(config.intermediate_size, config.hidden_size)
        self.down_proj = Linear(config.hidden_size, config.intermediate_size)

    def forward(self, x, fake):
        return self.down_proj(F.silu(self.gate_proj(x, fake)) * self.up_proj(x, fake), fake)


class Layer(nn.Module):
    """A transformer layer."""

    def __init__(self, config):
        super().__init__()
        self.input_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.mlp = Mlp(config)

    def forward(self, x, rope, attend, fake):
        x = x + self.self_attn(self.input_layernorm(x), rope, attend, fake)
        return x + self.mlp(self.post_attention_layernorm(x), fake)


class Stack(nn.Module):
    """What Hugging Face calls `model`: all but the head."""

    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])
        self.norm = Norm(config.hidden_size, config.rms_norm_eps)


class Llama(nn.Module):
    """The language model. The head is the embedding."""

    def __init__(self, config, seed=0):
        super().__init__()
        self.config = config
        self.model = Stack(config)
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # The matrices that add to the residual stream start smaller, the more there are of them.
                small = name.endswith(("o_proj.weight", "down_proj.weight"))
                deviation = 0.02 / (2 * config.num_hidden_layers) ** 0.5 if small else 0.02
                nn.init.normal_(weight, std=deviation, generator=generator)

    def forward(self, ids, rope, attend, fake=False, dtype=torch.bfloat16):
        """Hidden states after the last norm, and the table that turns them into logits. `attend(layer)` gives attention for a layer."""
        table = self.model.embed_tokens.weight
        table = (quant.straight_through(table) if fake else table).to(dtype)
        x = F.embedding(ids, table)
        for index, layer in enumerate(self.model.layers):
            x = layer(x, rope, attend(index), fake)
        return self.model.norm(x), table


def frequencies(config, positions):
    """Cosines and sines of the rotation at these positions, f32: [..., head_dim]."""
    half = torch.arange(0, config.head_dim, 2, device=positions.device, dtype=torch.float32)
    angles = positions[..., None].float() * config.rope_theta ** (-half / config.head_dim)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotated(x, rope):
    """Rotary embedding: [rows, heads, length, head_dim], first half with second half."""
    cos, sin = rope
    a, b = x.chunk(2, -1)
    return (x * cos + torch.cat([-b, a], -1) * sin).to(x.dtype)


def parameters(model):
    """How many weights there are."""
    return sum(weight.numel() for weight in model.parameters())
