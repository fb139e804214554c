"""Makes the embedded model from nothing: data, tokenizer, training, evaluation, export.

    python3 models/train/run.py --out DIR

See README.md beside this file.
"""

import argparse
import dataclasses
import json
import math
import multiprocessing
import shutil
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import chat  # noqa: E402 (its folder is not on the path before)
import corpus  # noqa: E402
import heldout  # noqa: E402
import mix  # noqa: E402
import tokens  # noqa: E402

STARTED = time.perf_counter()

#: Seconds that export and evaluation take at most on one GPU.
AFTER = 30

#: Minutes of a run whose steps are not given.
MINUTES = 9.5


def say(text):
    """A line with the time since the start."""
    print(f"[{time.perf_counter() - STARTED:6.1f} s] {text}", flush=True)


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="Trains the embedded model of Tegula.")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="steps to train; with the same number a run repeats")
    parser.add_argument(
        "--minutes",
        type=float,
        help=f"when the whole run has to end; without --steps {MINUTES}, and as many steps as fit",
    )
    parser.add_argument("--conversations", type=int, default=2_400_000)
    parser.add_argument("--batch", type=int, default=64, help="rows of 1024 tokens a step")
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--cases", type=int, default=250, help="held-out cases a skill")
    parser.add_argument("--processes", type=int, default=min(32, multiprocessing.cpu_count()))
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--ffn", type=int, default=576)
    parser.add_argument("--smoke", action="store_true", help="everything, tiny, on the CPU: to see that it runs")
    chosen = parser.parse_args()
    if chosen.minutes is None:
        chosen.minutes = math.inf if chosen.steps or chosen.smoke else MINUTES
    if chosen.smoke:
        chosen.steps, chosen.conversations, chosen.batch, chosen.cases, chosen.processes = 6, 1600, 2, 4, min(2, chosen.processes)
    return chosen


def make_tokenizer(pool, chosen, folder, context):
    """Trains the tokenizer on a part of the data, and checks it and the chat template."""
    shards, count = 16, 60 if chosen.smoke else 3000
    texts = pool.starmap(corpus.plain_texts, [(chosen.seed, shard, count) for shard in range(shards)])
    tokens.train_tokenizer((text for part in texts for text in part), folder, context)
    _, conversations = corpus.rendered("checks", 200)
    chat.verify(conversations)
    tokens.verify(tokens.load(folder), [[text for text, _ in chat.segments(*conversation)] for conversation in conversations])


def main():
    """Runs all steps."""
    chosen = options()
    chosen.out.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="tegula-train-"))
    # Processes that start afresh: a fork of this one would share its threads and its device.
    processes = multiprocessing.get_context("spawn")
    with processes.Pool(chosen.processes, initializer=corpus.quiet) as pool:
        context = 1024
        make_tokenizer(pool, chosen, work, context)
        say("tokenizer made, and checked together with the chat template")
        cases = heldout.cases(chosen.seed, chosen.cases)
        forbidden = heldout.questions(cases)
        data = corpus.Corpus(pool, chosen.seed, 8 if chosen.smoke else 128, chosen.conversations, context, work, forbidden)

        import torch

        import export
        import model as llama
        import plot
        import training
        from evaluate import evaluate

        device = "cuda" if torch.cuda.is_available() and not chosen.smoke else "cpu"
        if device == "cpu":
            torch.set_num_threads(2)
        torch.set_float32_matmul_precision("highest")
        config = llama.Config(num_hidden_layers=chosen.layers, intermediate_size=chosen.ffn)
        if chosen.smoke:
            config = llama.Config(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1)
        trainer = training.Trainer(config, chosen.seed, chosen.batch, chosen.rate, device)
        say(f"{llama.parameters(trainer.model):,} weights on {torch.cuda.get_device_name() if device == 'cuda' else 'the CPU'}")
        trainer.warm_up()
        say(f"warmed up (flexible attention: {trainer.flexible}, compiled: {trainer.compiled})")
        rows, total, left_out = data.rows()
        say(f"{chosen.conversations:,} conversations, {left_out} of them left out as too near to the held-out set")
        say(f"{total:,} tokens in {len(rows):,} rows, {100 * total / rows[:, 0].size:.1f} % full")

    rows = torch.from_numpy(rows.view("int16")).to(device)
    steps = chosen.steps
    if steps is None:
        plain, rounded = trainer.seconds(rows)
        left = chosen.minutes * 60 - (time.perf_counter() - STARTED) - AFTER
        steps = max(1, int(left / ((1 - training.ROUND) * plain + training.ROUND * rounded) / 100)) * 100
        say(f"a step takes {1000 * plain:.1f} ms, {1000 * rounded:.1f} ms with rounding: {steps} steps may fit")
    began = time.perf_counter()
    left = chosen.minutes * 60 - (time.perf_counter() - STARTED) - AFTER
    curve = trainer.run(rows, steps, left, every=2 if chosen.smoke else 50)
    steps = curve[-1][0]
    trained = time.perf_counter() - began
    say(f"trained in {trained:.0f} s: {steps * chosen.batch * context / trained / 1e6:.2f} million tokens a second")

    tokenizer = tokens.load(work)
    end, pad = tokenizer.token_to_id(chat.END), tokenizer.token_to_id(chat.PAD)
    model = export.rounded(trainer.model)
    export.write(model, work, config, end, pad)
    with tarfile.open(chosen.out / "model.tar", "w") as archive:
        for name in export.FILES:
            archive.add(work / name, arcname=f"tegula-tiny/{name}")
    results, errors = evaluate(model, tokenizer, cases, end)
    say("evaluated")
    for name, result in results.items():
        mark = "" if result["passes"] else "   MISSED"
        print(f"  {name:16} f32 {result['f32']:6.2f}   q4f16_1 {result['q4f16_1']:6.2f}   bar {result['bar']}{mark}", flush=True)

    written = {
        "settings": {name: value for name, value in vars(chosen).items() if name not in ("out", "processes", "minutes")} | {"steps": steps},
        "architecture": dataclasses.asdict(config),
        "weights": llama.parameters(model),
        "data": {
            "conversations": chosen.conversations,
            "tokens": total,
            "left_out": left_out,
            "tokens_seen": steps * chosen.batch * context,
        },
        "machine": {
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
            "seconds_of_training": round(trained, 1),
            "seconds": round(time.perf_counter() - STARTED, 1),
        },
        "final_loss": curve[-1][2],
        "skills": results,
    }
    (chosen.out / "eval.json").write_text(json.dumps(written, indent=2) + "\n")
    write_lines(chosen.out / "errors.jsonl", errors)
    write_lines(
        chosen.out / "heldout.jsonl",
        [case for skill in mix.SKILLS for case in [case for case in cases if case["skill"] == skill.name][:50]],
    )
    (chosen.out / "loss.csv").write_text("step,rate,loss\n" + "".join(f"{step},{rate:.6e},{loss:.6f}\n" for step, rate, loss in curve))
    (chosen.out / "loss.svg").write_text(plot.loss_curve(curve, (1 - training.ROUND) * steps))
    shutil.rmtree(work)
    say(f"done: {', '.join(f'{path.name} ({path.stat().st_size / 1e6:.1f} MB)' for path in sorted(chosen.out.iterdir()))}")


def write_lines(path, objects):
    """One JSON object a line."""
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects), encoding="utf-8")


if __name__ == "__main__":
    main()
