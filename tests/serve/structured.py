"""Answers of a form with OpenAI's Python client and pydantic: `structured.py BASE_URL MODEL`. python.test.mjs starts both."""

import json
import re
import sys
from typing import Annotated, Literal, Optional, Union

from openai import BadRequestError, LengthFinishReasonError, OpenAI
from pydantic import BaseModel, Field

base, model = sys.argv[1:]
client = OpenAI(base_url=base, api_key="-", max_retries=0)
drawn = {
    "model": model,
    "messages": [{"role": "user", "content": "Tell me about Paris."}],
    "temperature": 1,
    "top_p": 1,
    "seed": 7,
    "max_tokens": 200,
}


class Mayor(BaseModel):
    name: Annotated[str, Field(pattern=r"^[A-Z][a-z]{1,8}$")]
    age: Annotated[int, Field(ge=18, le=99)]


class City(BaseModel):
    kind: Literal["village", "town", "capital"]
    people: Annotated[int, Field(ge=1, le=40_000_000)]
    mayor: Optional[Mayor]
    rivers: Annotated[list[Annotated[str, Field(pattern=r"^[a-z]{2,8}$")]], Field(max_length=2)]
    code: Union[Annotated[int, Field(ge=10, le=99)], Literal["none"]]


def asked(**fields):
    return client.chat.completions.create(**drawn, **fields).choices[0]


# `parse` sends the schema, strict, and reads the answer.
parsed = client.chat.completions.parse(**drawn, response_format=City).choices[0].message
assert isinstance(parsed.parsed, City) and parsed.refusal is None
assert City.model_validate_json(parsed.content) == parsed.parsed

with client.chat.completions.stream(**drawn, response_format=City) as stream:
    kinds = {event.type for event in stream}
    assert {"content.delta", "content.done"} <= kinds, kinds
    assert stream.get_final_completion().choices[0].message.parsed == parsed.parsed

try:
    client.chat.completions.parse(**{**drawn, "max_tokens": 4}, response_format=City)
except LengthFinishReasonError:
    pass
else:
    raise AssertionError("an answer that was cut is no city")

schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
loose = asked(response_format={"type": "json_schema", "json_schema": {"name": "ok", "schema": schema}})
assert isinstance(json.loads(loose.message.content)["ok"], bool) and loose.finish_reason == "stop"

# What is not of OpenAI goes through `extra_body`.
for outputs, expected in [
    ({"json": schema}, r'\{\s*"ok"\s*:\s*(true|false)\s*\}'),
    ({"regex": "[0-9]{2}-[0-9]{2}"}, r"\d\d-\d\d"),
    ({"choice": ["yes", "no"]}, "yes|no"),
    ({"grammar": 'root ::= "a" root | "b"'}, "a*b"),
    ({"structural_tag": json.dumps({"format": {"type": "const_string", "value": "<done>"}})}, "<done>"),
]:
    text = asked(extra_body={"structured_outputs": outputs}).message.content
    assert re.fullmatch(expected, text), (outputs, text)

try:
    asked(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "colour"}, "strict": True}})
except BadRequestError as error:
    assert error.param == "response_format.json_schema.schema" and "colour" in str(error), error
else:
    raise AssertionError("a schema that is none was taken")
