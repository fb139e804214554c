"""Accuracy of each skill on its held-out set: with the weights as exported, and with those weights as q4f16_1 rounds them."""

import copy

import torch

import chat
import checks
import generate
import mix
import quant

#: Wrong answers of each skill that are kept for reading.
KEPT = 15


def quantized(model):
    """A copy with all matrices as a package gives them back, and norms in half precision."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weight in other.parameters():
            weight.copy_(quant.dequantized(weight) if weight.dim() == 2 else weight.half().float())
    return other


def answers_of(model, tokenizer, cases, end, dtype):
    """The texts that a model answers."""
    prompts = [tokenizer.encode(chat.prompt(case["messages"], case["tools"]), add_special_tokens=False).ids for case in cases]
    found = generate.greedy(model, prompts, [case["max_tokens"] for case in cases], end, dtype)
    return [tokenizer.decode(ids, skip_special_tokens=True) for ids in found], found


def evaluate(model, tokenizer, cases, end):
    """Results by skill, and wrong answers: `{"skill": {"bar", "cases", "f32", "q4f16_1", ...}}`, `[{...}]`."""
    answers = {}
    for name, weights in (("f32", model), ("q4f16_1", quantized(model))):
        texts, ids = answers_of(weights, tokenizer, cases, end, torch.float32)
        answers[name] = texts
        if name == "q4f16_1":
            lengths = list(map(len, ids))
    results, errors = {}, []
    for skill in mix.SKILLS:
        chosen = [index for index, case in enumerate(cases) if case["skill"] == skill.name]
        right = {name: [skill.check(texts[index], cases[index]["expected"]) for index in chosen] for name, texts in answers.items()}
        results[skill.name] = {"bar": skill.bar, "cases": len(chosen)} | {name: percent(found) for name, found in right.items()}
        result = results[skill.name]
        result["loss_by_q4f16_1"] = round(result["f32"] - result["q4f16_1"], 2)
        result["passes"] = skill.bar is None or (
            result["q4f16_1"] >= skill.bar and result["f32"] >= skill.bar and result["loss_by_q4f16_1"] <= 3
        )
        if skill.name == "stories":
            result |= measured(
                [answers["q4f16_1"][index] for index in chosen], [cases[index] for index in chosen], [lengths[index] for index in chosen]
            )
        wrong = [index for place, index in enumerate(chosen) if not all(found[place] for found in right.values())]
        for index in wrong[:KEPT]:
            case = cases[index]
            errors.append(
                {
                    "skill": skill.name,
                    "asked": case["messages"][-1]["content"],
                    "expected": chat.answer_text(case["reference"]),
                    "f32": answers["f32"][index],
                    "q4f16_1": answers["q4f16_1"][index],
                }
            )
    return results, errors


def measured(texts, cases, lengths):
    """Means over stories of what says whether they hold together."""
    rows = [checks.story_measures(text, case["expected"]["story"]) for text, case in zip(texts, cases, strict=True)]
    means = {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]}
    whole = sum(sorted(length for length in lengths)[len(lengths) // 20 :][:1])
    return {"means": means, "mean_tokens": round(sum(lengths) / len(lengths), 1), "tokens_of_all_but_the_shortest_twentieth": whole}


def percent(found):
    """Right answers in percent."""
    return round(100 * sum(found) / max(1, len(found)), 2)
