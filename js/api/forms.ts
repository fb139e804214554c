/** What a request says of the form of its answer, and of the tools that the answer may call. Field names are OpenAI's. */

/** A JSON schema. What no grammar can express is left out of one that is not strict. */
export type JSONSchema = boolean | { [key: string]: unknown };

/** Any text, as without a format. */
export interface ResponseFormatText {
  type: "text";
}

/** An object of JSON. */
export interface ResponseFormatJSONObject {
  type: "json_object";
  /** What the JSON must be, as a schema or its text (not of OpenAI). */
  schema?: JSONSchema | string | null;
}

/** JSON of a schema. */
export interface ResponseFormatJSONSchema {
  type: "json_schema";
  json_schema: {
    /** For people: nothing depends on it. */
    name: string;
    description?: string;
    /** Without one the answer is any object. */
    schema?: { [key: string]: unknown };
    /** Keep to the schema exactly; one that no grammar can express is then refused. Otherwise such keywords are left out. */
    strict?: boolean | null;
  };
}

/** What a grammar describes: Lark as llguidance has it, or the notation of llama.cpp and XGrammar, with `::=` (not of OpenAI). */
export interface ResponseFormatGrammar {
  type: "grammar";
  grammar: string;
}

/** What a regular expression describes, from beginning to end; the syntax is that of Rust's crate `regex` (not of OpenAI). */
export interface ResponseFormatRegex {
  type: "regex";
  regex: string;
}

/** One of these texts (not of OpenAI). */
export interface ResponseFormatChoice {
  type: "choice";
  choice: string[];
}

/** A text of which parts are of a form, in XGrammar's notation. The form may stand beside the type or in `structural_tag` (not of OpenAI). */
export type ResponseFormatStructuralTag = { type: "structural_tag" } & (StructuralTag | { structural_tag: StructuralTag | string });

/** OpenAI's formats, WebLLM's `grammar` and `structural_tag`, and two more. */
export type ResponseFormat =
  | ResponseFormatText
  | ResponseFormatJSONObject
  | ResponseFormatJSONSchema
  | ResponseFormatGrammar
  | ResponseFormatRegex
  | ResponseFormatChoice
  | ResponseFormatStructuralTag;

/** One form, or the older list of parts that begin where a trigger does. */
export type StructuralTag =
  | { format: StructuralTagForm }
  | { structures: { begin: string; schema: JSONSchema; end: string }[]; triggers: string[] };

/** A form of a structural tag. */
export type StructuralTagForm =
  | { type: "const_string"; value: string }
  | { type: "json_schema"; json_schema: JSONSchema }
  | { type: "regex"; pattern: string }
  | { type: "grammar"; grammar: string }
  | { type: "any_text" }
  | { type: "sequence" | "or"; elements: StructuralTagForm[] }
  | ({ type: "tag" } & StructuralTagPart)
  | ({ type: "triggered_tags"; triggers: string[] } & StructuralTags)
  | ({ type: "tags_with_separator"; separator: string } & StructuralTags);

/** What stands between two texts. */
export interface StructuralTagPart {
  begin: string;
  content: StructuralTagForm;
  end: string;
}

interface StructuralTags {
  tags: (StructuralTagPart & { type?: "tag" })[];
  at_least_one?: boolean;
  stop_after_first?: boolean;
}

/** vLLM's way to say the form of an answer, of both APIs. Exactly one of the members is given. */
export interface StructuredOutputs {
  json?: JSONSchema | string | null;
  json_object?: boolean | null;
  regex?: string | null;
  choice?: string[] | null;
  grammar?: string | null;
  structural_tag?: StructuralTag | string | null;
}

/** A function that the model may call. */
export interface FunctionDefinition {
  name: string;
  /** What it does, for the model. */
  description?: string;
  /** The schema of its arguments. */
  parameters?: { [key: string]: unknown };
  /** Keep the arguments to the schema. */
  strict?: boolean | null;
}

/** A tool. Only functions are taken: a request with another one is refused, with its type. */
export type ChatCompletionTool =
  | { type: "function"; function: FunctionDefinition }
  | { type: "custom"; custom: { name: string } };

/** The tool that must be called. Only functions are taken. */
export type ChatCompletionNamedToolChoice =
  | { type: "function"; function: { name: string } }
  | { type: "custom"; custom: { name: string } };

/** Tools of the request that may be called, each `{ type: "function", function: { name } }`, and whether one must be. */
export interface ChatCompletionAllowedToolChoice {
  type: "allowed_tools";
  allowed_tools: { mode: "auto" | "required"; tools: { [key: string]: unknown }[] };
}

/** `none` keeps the tools from the model, `auto` leaves the choice to it, `required` wants a call. A tool that is named must be called. */
export type ChatCompletionToolChoiceOption =
  | "none"
  | "auto"
  | "required"
  | ChatCompletionNamedToolChoice
  | ChatCompletionAllowedToolChoice;

/** How much a model should reason. A template that only switches reasoning takes `none` as off; one that cannot takes only `medium`. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
