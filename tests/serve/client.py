"""OpenAI's Python client against a running server: `client.py BASE_URL MODEL`. python.test.mjs starts both."""

import sys

from openai import BadRequestError, NotFoundError, OpenAI

base, model = sys.argv[1:]
client = OpenAI(base_url=base, api_key="-", max_retries=0)
messages = [{"role": "user", "content": "What is the capital of France?"}]
greedy = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 24}

assert [found.id for found in client.models.list()] == [model]

whole = client.chat.completions.create(**greedy)
text = whole.choices[0].message.content
assert text and whole.choices[0].finish_reason in ("stop", "length")
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens

parts, reasons = [], []
for chunk in client.chat.completions.create(**greedy, stream=True):
    parts.append(chunk.choices[0].delta.content or "")
    reasons.append(chunk.choices[0].finish_reason)
assert "".join(parts) == text
assert reasons[-1] == whole.choices[0].finish_reason and not any(reasons[:-1])

continued = client.completions.create(model=model, prompt="Once upon", max_tokens=8, temperature=0)
assert continued.choices[0].text and continued.usage.completion_tokens == 8

for wrong, kind, param in [({"temperature": 3}, BadRequestError, "temperature"), ({"model": "gpt-4o"}, NotFoundError, "model")]:
    try:
        client.chat.completions.create(**{**greedy, **wrong})
    except kind as error:
        assert error.param == param, error
    else:
        raise AssertionError(f"{wrong} was taken")

with client.chat.completions.create(**greedy | {"max_tokens": 400}, stream=True, extra_body={"ignore_eos": True}) as stream:
    next(iter(stream))
# It was closed in the middle of the answer, and the next one is whole.
assert client.chat.completions.create(**greedy).choices[0].message.content == text
