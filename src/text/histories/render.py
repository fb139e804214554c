"""Writes expected.txt: what Python's Jinja makes of histories with tool calls, by template.

Usage: render.py FOLDER-OF-TEMPLATES > expected.txt

Needs jinja2. The environment is that of Hugging Face's transformers. A line has the SHA-256 of each history's text, in the order of
histories.json, and the template's name. Where a template fails, the history is given to it in other forms, as Tegula does: with empty
texts for contents that are null, and with arguments as the text that requests have. `refused` says that none of them was taken.
"""

import copy
import hashlib
import json
import pathlib
import sys

import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
# Some templates print the day that it is.
DAY = "{%- macro strftime_now(format) -%}DAY{%- endmacro %}"


class Generation(jinja2.ext.Extension):
    """The block around what a model says in training, which means nothing in prompts."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def environment():
    def refuse(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = refuse
    return made


def forms(messages):
    """A history as it is, then as templates get it that fail with that."""
    yield messages

    def with_texts(messages):
        out = copy.deepcopy(messages)
        for message in out:
            for call in message.get("tool_calls", []):
                arguments = call["function"]["arguments"]
                call["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        return out

    yield with_texts(messages)
    filled = copy.deepcopy(messages)
    for message in filled:
        if message["content"] is None:
            message["content"] = ""
    yield filled
    yield with_texts(filled)


def digest(template, messages, tools):
    for form in forms(messages):
        try:
            text = template.render(
                messages=form, tools=tools, documents=None, add_generation_prompt=True, bos_token="<s>", eos_token="</s>"
            )
        except Exception:
            continue
        return hashlib.sha256(text.encode()).hexdigest()
    return "refused"


def main():
    given = json.loads((HERE / "histories.json").read_text())
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jinja")):
        # As Python reads text files: with its own line ends.
        template = environment().from_string(DAY + path.read_text())
        digests = [digest(template, messages, given["tools"]) for messages in given["histories"].values()]
        print(*digests, path.name)


main()
