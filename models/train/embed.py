"""Puts the results of a run into the package folder, and its figures into the card.

    tegula convert DIR/tegula-tiny -o models/tegula-tiny --quantization q4f16_1     (after unpacking DIR/model.tar)
    python3 models/train/embed.py DIR

What the card says in words stays; what stands between `<!-- NAME -->` and `<!-- end -->` is made here.
"""

import argparse
import hashlib
import json
import re
import shutil
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "tegula-tiny"

#: Held-out cases that the engine's tests run, by bar: the first of each skill. So many that the skills that share a bar may have an error within it: of
#: those at 90 there is one, hence ten.
CASES = {95: 5, 90: 10, 85: 4}


def main():
    """Copies, and fills in the card."""
    parser = argparse.ArgumentParser(description="Embeds the results of a training run.")
    parser.add_argument("run", type=Path, help="what run.py made")
    run = parser.parse_args().run
    evaluation = json.loads((run / "eval.json").read_text())
    for name in ("eval.json", "loss.svg"):
        shutil.copyfile(run / name, PACKAGE / name)
    cases = [json.loads(line) for line in (run / "heldout.jsonl").read_text(encoding="utf-8").splitlines()]
    chosen = []
    for skill, result in evaluation["skills"].items():
        if result["bar"] is not None:
            chosen += [case for case in cases if case["skill"] == skill][: CASES[result["bar"]]]
    (PACKAGE / "heldout.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in chosen), encoding="utf-8")
    card = (PACKAGE / "README.md").read_text(encoding="utf-8")
    for name, text in (("facts", facts(evaluation)), ("evaluation", table(evaluation["skills"])), ("files", files())):
        card, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda mark, text=text: mark[1] + text + mark[2], card, flags=re.DOTALL
        )
        if found != 1:
            raise SystemExit(f"the card has {found} places for {name}")
    (PACKAGE / "README.md").write_text(card, encoding="utf-8")
    print(f"{len(chosen)} held-out cases; {sum(file.stat().st_size for file in PACKAGE.iterdir()) / 1e6:.2f} MB in all")


def facts(evaluation):
    """Architecture and training, a fact a row."""
    shape, data, machine, settings = (evaluation[name] for name in ("architecture", "data", "machine", "settings"))
    rows = {
        "architecture": f"Llama: {shape['num_hidden_layers']} layers, hidden {shape['hidden_size']}, {shape['num_attention_heads']} heads and "
        f"{shape['num_key_value_heads']} key heads of {shape['head_dim']}, ffn {shape['intermediate_size']}, tied embeddings, context "
        f"{shape['max_position_embeddings']}; {evaluation['weights']:,} weights",
        "package": f"MLC format, q4f16_1, {(PACKAGE / 'params_shard_0.bin').stat().st_size / 1e6:.1f} MB of weights",
        "tokenizer": f"byte-level BPE, {shape['vocab_size']} tokens, a token a digit; ChatML turns, tools in the Hermes style",
        "data": f"{data['conversations']:,} conversations ({data['tokens'] / 1e6:.0f} million tokens) from the generator in "
        "[`models/train`](../train): no text of others",
        "training": f"{settings['steps']:,} steps of {settings['batch']} rows of {shape['max_position_embeddings']} tokens on one "
        f"{machine['device']}: {machine['seconds_of_training']:.0f} s, {machine['seconds']:.0f} s with data and evaluation; seed {settings['seed']}",
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {text} |\n" for name, text in rows.items())


def table(skills):
    """Accuracy by skill."""
    lines = ["| skill | f32 | q4f16_1 | bar |\n|---|---|---|---|\n"]
    for name, result in skills.items():
        bar = "reported only" if result["bar"] is None else f"{result['bar']}{missed(result)}"
        lines.append(f"| {name.replace('_', ' ')} | {result['f32']:.1f} | {result['q4f16_1']:.1f} | {bar} |\n")
    means = skills["stories"]["means"]
    lines.append(
        f"\nStories: {skills['stories']['mean_tokens']:.0f} tokens on average ({skills['stories']['tokens_of_all_but_the_shortest_twentieth']} or more in "
        f"19 of 20), distinct-2 {means['distinct_2']:.3f}, distinct-3 {means['distinct_3']:.3f}, repeated sentences {means['repeated_sentences']:.3f} a story.\n"
    )
    return "".join(lines)


def missed(result):
    """What a skill that does not pass fails in."""
    if result["passes"]:
        return ""
    return ", **missed**" if min(result["f32"], result["q4f16_1"]) < result["bar"] else ", **loses too much**"


def files():
    """The hash of each file but the card."""
    rows = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in sorted(PACKAGE.iterdir()) if file.name != "README.md"]
    return "| file | sha256 |\n|---|---|\n" + "".join(f"| `{name}` | `{digest}` |\n" for name, digest in rows)


if __name__ == "__main__":
    main()
