"""The held-out set: the same cases for every run of a seed."""

import json
import random

import mix


def cases(seed, count):
    """So many cases of each skill, as objects that tests in other languages can read."""
    out = []
    for skill in mix.SKILLS:
        rng = random.Random(f"heldout {seed} {skill.name}")
        seen = set()
        for _ in range(20 * count):
            sample = mix.testing(skill, rng)
            prompt = json.dumps(sample.messages[:-1])
            if prompt in seen:
                continue
            seen.add(prompt)
            out.append(
                {
                    "skill": skill.name,
                    "messages": sample.messages[:-1],
                    "tools": sample.tools,
                    "max_tokens": skill.longest,
                    "expected": sample.expected,
                    "reference": sample.messages[-1],
                }
            )
            if len(seen) == count:
                break
    return out


def questions(cases):
    """What the user says last in these cases: training must never show it."""
    return frozenset([message["content"] for message in case["messages"] if message["role"] == "user"][-1] for case in cases)
