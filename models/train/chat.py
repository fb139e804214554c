"""The chat template: how a conversation becomes text.

The template is in the ChatML style with tools as Hermes writes them, and short, since a prompt has to leave room in a context of 1024
tokens. It exists twice: as Jinja for whoever runs the model, and as `segments`, which is fast and says which text the model should learn
to write. `verify` compares the two; the corpus does so on a sample of what it makes.
"""

import json

PAD = "<|endoftext|>"
START = "<|im_start|>"
END = "<|im_end|>"

#: Tokens that are no text: a decoder leaves them out.
SPECIAL = [PAD, START, END]

#: Tokens that are text of the answer: whoever runs the model looks for them.
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]

TOOLS_HEAD = "You may call these functions:\n<tools>"
TOOLS_TAIL = '\n</tools>\nTo call one, answer with:\n<tool_call>\n{"name": <function-name>, "arguments": <arguments-object>}\n</tool_call>'

TEMPLATE = (
    "{%- set first = messages[0] if messages else {} %}\n"
    "{%- if tools %}\n"
    "    {{- '<|im_start|>system\\n' }}\n"
    "    {%- if first.role == 'system' %}\n"
    "        {{- first.content + '\\n\\n' }}\n"
    "    {%- endif %}\n"
    "    {{- " + repr(TOOLS_HEAD) + " }}\n"
    "    {%- for tool in tools %}\n"
    "        {%- set function = tool.function if tool.function else tool %}\n"
    "        {{- '\\n{\"name\": ' + (function.name | tojson) }}\n"
    "        {{- ', \"description\": ' + ((function.description or '') | tojson) }}\n"
    "        {{- ', \"parameters\": ' + ((function.parameters or {}) | tojson) + '}' }}\n"
    "    {%- endfor %}\n"
    "    {{- " + repr(TOOLS_TAIL) + " + '<|im_end|>\\n' }}\n"
    "{%- endif %}\n"
    "{%- for message in messages %}\n"
    "    {%- if message.role == 'system' and loop.first and tools %}\n"
    "    {%- elif message.role == 'tool' %}\n"
    "        {{- '<|im_start|>tool\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}\n"
    "    {%- else %}\n"
    "        {{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}\n"
    "        {%- for call in message.tool_calls or [] %}\n"
    "            {%- set function = call.function if call.function else call %}\n"
    "            {%- if message.content or not loop.first %}\n"
    "                {{- '\\n' }}\n"
    "            {%- endif %}\n"
    "            {{- '<tool_call>\\n{\"name\": ' + (function.name | tojson) + ', \"arguments\": ' }}\n"
    "            {{- function.arguments if function.arguments is string else (function.arguments | tojson) }}\n"
    "            {{- '}\\n</tool_call>' }}\n"
    "        {%- endfor %}\n"
    "        {{- '<|im_end|>\\n' }}\n"
    "    {%- endif %}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|im_start|>assistant\\n' }}\n"
    "{%- endif %}\n"
)


def to_json(value):
    """JSON as Hugging Face's `tojson` writes it."""
    return json.dumps(value, ensure_ascii=False)


def signature(tool):
    """One line of the list of tools."""
    function = tool.get("function") or tool
    return (
        f'\n{{"name": {to_json(function["name"])}, "description": {to_json(function.get("description") or "")}, '
        f'"parameters": {to_json(function.get("parameters") or {})}}}'
    )


def call_text(call):
    """A tool call as the model writes it."""
    function = call.get("function") or call
    arguments = function["arguments"]
    arguments = arguments if isinstance(arguments, str) else to_json(arguments)
    return f'<tool_call>\n{{"name": {to_json(function["name"])}, "arguments": {arguments}}}\n</tool_call>'


def answer_text(message):
    """What the model has to write for a message of the assistant."""
    parts = [message["content"]] if message.get("content") else []
    return "\n".join(parts + [call_text(call) for call in message.get("tool_calls") or []])


def segments(messages, tools=None):
    """The text of a conversation in pieces: (text, whether the assistant writes it). Boundaries fall beside special tokens or after a line
    end that no white space follows, so that tokens are the same piece by piece."""
    out = []
    if tools:
        system = messages[0]["content"] + "\n\n" if messages[0]["role"] == "system" else ""
        out.append((f"{START}system\n{system}{TOOLS_HEAD}{''.join(map(signature, tools))}{TOOLS_TAIL}{END}\n", False))
    for index, message in enumerate(messages):
        role = message["role"]
        if role == "assistant":
            out += [(f"{START}assistant\n", False), (answer_text(message) + END, True), ("\n", False)]
        elif role == "tool":
            out.append((f"{START}tool\n<tool_response>\n{message['content']}\n</tool_response>{END}\n", False))
        elif not (role == "system" and index == 0 and tools):
            out.append((f"{START}{role}\n{message['content']}{END}\n", False))
    return out


def prompt(messages, tools=None):
    """The text before an answer."""
    return "".join(text for text, _ in segments(messages, tools)) + f"{START}assistant\n"


def verify(conversations):
    """Renders (messages, tools) with Jinja too, and fails where the text differs."""
    import jinja2  # Only needed here.

    for trim in (True, False):
        environment = jinja2.Environment(trim_blocks=trim, lstrip_blocks=trim)
        environment.filters["tojson"] = to_json
        template = environment.from_string(TEMPLATE)
        for messages, tools in conversations:
            for generation in (True, False):
                found = template.render(messages=messages, tools=tools, add_generation_prompt=generation)
                text = "".join(text for text, _ in segments(messages, tools))
                expected = prompt(messages, tools) if generation else text
                if found != expected:
                    raise AssertionError(f"the template wrote\n{found}\nand not\n{expected}")
