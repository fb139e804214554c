"""LiteLLM's router in front of two servers: `router.py CONFIG BASE_URL BASE_URL PID`. router.test.mjs starts them.

The settings are those of CONFIG. PID is the process of the second server, which is killed half-way.
"""

import asyncio
import os
import re
import signal
import sys
from urllib.request import urlopen

import yaml

# It would fetch a list of prices otherwise, and wait for it where there is no network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
from litellm import Router  # noqa: E402

config, first, second, pid = sys.argv[1:]
with open(config) as file:
    settings = yaml.safe_load(file)
models = settings["model_list"]
for model, base in zip(models, [first, second], strict=True):
    model["litellm_params"]["api_base"] = f"{base}/v1"


def answered(base):
    """How many chats the server has answered."""
    text = urlopen(f"{base}/metrics").read().decode()
    found = re.search(r'tegula_requests_total\{api="chat",outcome="answered"\} (\d+)', text)
    return int(found[1]) if found else 0


async def main():
    router = Router(model_list=models, **settings["router_settings"])

    async def ask(messages, session=None):
        metadata = {"metadata": {"session_id": session}} if session else {}
        return await router.acompletion(model="tiny", messages=messages, temperature=0, max_tokens=24, **metadata)

    async def multiply(a, b, session=None):
        answer = await ask([{"role": "user", "content": f"What is {a} x {b}?"}], session)
        text = answer.choices[0].message.content
        assert re.search(rf"\b{a * b}\b", text), text

    # Requests at once are shared out, and every answer is right.
    await asyncio.gather(*(multiply(a, b) for a, b in [(7, 12), (3, 4), (5, 6), (8, 9), (2, 11), (4, 7), (6, 6), (9, 3)]))
    shares = [answered(first), answered(second)]
    assert sum(shares) == 8 and min(shares) > 0, shares

    # A conversation goes on where it began, and little of it is computed again.
    async def converse(session):
        messages = [{"role": "user", "content": f"Please write a short story about {session}, a friend of all animals in the forest."}]
        said = (await ask(messages, session)).choices[0].message
        messages += [{"role": "assistant", "content": said.content}, {"role": "user", "content": "And then?"}]
        usage = (await ask(messages, session)).usage
        cached = usage.prompt_tokens_details.cached_tokens
        assert cached >= usage.prompt_tokens // 2, (session, usage)

    await asyncio.gather(*(converse(session) for session in ["Karin", "Milo", "Tessa", "Anton", "Ruth", "Ben"]))
    before = [answered(first), answered(second)]
    assert sum(before) == 20, before

    # Nobody notices that a server is gone, conversations of that server neither.
    os.kill(int(pid), signal.SIGKILL)
    await asyncio.gather(*(multiply(7, b) for b in range(2, 8)))
    await asyncio.gather(*(multiply(6, b, session) for b, session in enumerate(["Karin", "Milo", "Tessa", "Anton", "Ruth", "Ben"], 2)))
    assert answered(first) == before[0] + 12, (answered(first), before)


asyncio.run(main())
