"""How an answer is judged, as data: a test case carries its check, so that tests in other languages can judge alike.

A check is an object with some of these members; all that are there must hold:

- `all`: texts that must all occur; `any`: texts of which one must occur; `none`: texts that must not occur. Letters' case does not count,
  and an occurrence must not touch other letters or digits ("12" does not occur in "312").
- `number`: the last whole number of the answer.
- `json`: the value that the whole answer must be, as JSON.
- `call`: `{"name", "arguments"}` of the only tool call of the answer.
- `no_call`: true where the answer must not call a tool.
- `story`: `{"names", "foreign", "words"}`: see `story`.
"""

import json
import re

CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


def check(answer, expected):
    """Whether an answer passes a check."""
    unknown = set(expected) - set(RULES)
    if unknown:
        raise ValueError(f"unknown checks: {sorted(unknown)}")
    return all(RULES[rule](answer, value) for rule, value in expected.items())


def occurs(text, answer):
    """Whether a text occurs as whole words."""
    start = r"(?<![^\W_])" if text[:1].isalnum() else ""
    end = r"(?![^\W_])" if text[-1:].isalnum() else ""
    return re.search(start + re.escape(text) + end, answer, re.IGNORECASE) is not None


def last_number(answer):
    """The last whole number of a text, or None."""
    numbers = re.findall(r"(?<![\w.])-?\d+(?!\w)", answer)
    return int(numbers[-1]) if numbers else None


def same_json(answer, value):
    """Whether the whole answer is JSON for a value. Numbers compare as numbers, but true is not 1."""
    try:
        found = json.loads(answer)
    except ValueError:
        return False
    return json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)


def same_call(answer, value):
    """Whether the answer holds one tool call, the expected one."""
    calls = CALL.findall(answer)
    return len(calls) == 1 and same_json(calls[0], value)


def story(answer, value):
    """Whether a story holds together: it is long enough, names every asked character at least twice and nobody else of the cast, does not
    repeat a sentence, and keeps most of its word triples distinct."""
    measured = story_measures(answer, value)
    return (
        measured["words"] >= value["words"]
        and measured["fewest_mentions"] >= 2
        and measured["foreign"] == 0
        and measured["repeated_sentences"] == 0
        and measured["distinct_3"] >= 0.8
    )


def story_measures(answer, value):
    """Numbers that say whether a story holds together."""
    words = re.findall(r"[a-z']+", answer.lower())
    sentences = [sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+", answer) if len(sentence.split()) > 3]
    return {
        "words": len(words),
        "fewest_mentions": min(len(re.findall(rf"\b{re.escape(name)}\b", answer)) for name in value["names"]),
        "foreign": sum(occurs(name, answer) for name in value["foreign"]),
        "repeated_sentences": len(sentences) - len(set(sentences)),
        "distinct_2": distinct(words, 2),
        "distinct_3": distinct(words, 3),
    }


def distinct(words, size):
    """Different n-grams as a share of all."""
    grams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
    return len(set(grams)) / max(1, len(grams))


RULES = {
    "all": lambda answer, texts: all(occurs(text, answer) for text in texts),
    "any": lambda answer, texts: any(occurs(text, answer) for text in texts),
    "none": lambda answer, texts: not any(occurs(text, answer) for text in texts),
    "number": lambda answer, number: last_number(answer) == number,
    "json": same_json,
    "call": same_call,
    "no_call": lambda answer, wanted: not wanted or "<tool_call>" not in answer,
    "story": story,
}
