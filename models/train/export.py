"""The folder that others read: config.json, generation_config.json, model.safetensors, tokenizer.json, tokenizer_config.json."""

import copy
import json

import torch
from safetensors.torch import save_file

FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def rounded(model):
    """A copy with weights as the file holds them, in half precision: what is evaluated is what is exported."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in other.parameters():
            weight.copy_(weight.half().float())
    return other


def write(model, folder, config, end, pad):
    """Writes the weights and the config beside the tokenizer."""
    weights = {name: weight.detach().half().cpu().contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(config.to_json(end, pad))
    # Cool by default: most of what it knows has one right answer.
    settings = {"eos_token_id": end, "pad_token_id": pad, "temperature": 0.2, "top_p": 0.9}
    (folder / "generation_config.json").write_text(json.dumps(settings, indent=2) + "\n")
