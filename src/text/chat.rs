//! Conversations to prompts: the ids that the model was trained to see before an answer.
//!
//! A package's Jinja template comes first (`chat_template.jinja`, else the one in tokenizer_config.json), then MLC's `conv_template`.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::text::answer::Format;
use crate::text::conversation;
use crate::text::message::{Content, Message};
use crate::text::template::{Failure, Reader, Reads, Templates, arguments};
use crate::text::tokenizer::{ChatTemplates, Literals, SpecialToken, Tokenizer, TokenizerConfig};
use crate::{ErrorKind, Result};
use tegula_package::mlc::ChatConfig;
use tegula_package::mlc::conversation::Conversation;

/// A conversation that waits for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dialogue {
    /// What was said so far.
    pub messages: Vec<Message>,
    /// Tools that the model may call, as OpenAI describes them.
    pub tools: Option<Value>,
    /// More variables for the template, such as `enable_thinking`.
    pub variables: Map<String, Value>,
    /// How much the model should reason: a word of OpenAI's, from `none` to `max`.
    pub effort: Option<String>,
}

/// How a package writes conversations.
pub struct Chat {
    /// Or why they cannot be used.
    templates: Option<Result<Templates, Failure>>,
    /// What the template reads, and the one for tools; found out when they are first used.
    readers: [OnceLock<Reader>; 2],
    /// How answers are written, and those of the template for tools.
    formats: [Format; 2],
    conversation: Option<Conversation>,
    /// `bos_token` and the like, by name.
    tokens: Map<String, Value>,
}

/// Names of templates that mean something.
const DEFAULT: &str = "default";
const TOOL_USE: &str = "tool_use";

impl Chat {
    /// Takes the templates of a package: `jinja` is the text of chat_template.jinja. One that does not compile is kept as an error for those
    /// who need it, because raw prompts do not.
    #[must_use]
    pub fn new(tokenizer: Option<&TokenizerConfig>, jinja: Option<&str>, config: &ChatConfig) -> Chat {
        let named = |name: &str| match (jinja, tokenizer.and_then(|config| config.chat_template.as_ref())) {
            (Some(text), _) => Some(text),
            (None, Some(ChatTemplates::One(text))) => Some(text.as_str()),
            (None, Some(ChatTemplates::Named(several))) => {
                several.iter().find(|named| named.name == name).map(|named| named.template.as_str())
            }
            (None, None) => None,
        };
        let default = named(DEFAULT).map(Format::of).unwrap_or_default();
        let formats = [default, named(TOOL_USE).map_or(default, Format::of)];
        let templates = match (jinja, tokenizer.and_then(|config| config.chat_template.as_ref())) {
            (Some(text), _) => Some(Templates::new([(DEFAULT, text)])),
            (None, Some(ChatTemplates::One(text))) => Some(Templates::new([(DEFAULT, text.as_str())])),
            (None, Some(ChatTemplates::Named(several))) => {
                Some(Templates::new(several.iter().map(|named| (named.name.as_str(), named.template.as_str()))))
            }
            (None, None) => None,
        };
        if let Some(Err(reason)) = &templates {
            let reason = ErrorKind::from(reason.clone());
            tracing::warn!(%reason, "the chat template cannot be used");
        }
        let mut tokens = Map::new();
        if let Some(config) = tokenizer {
            let named = [
                ("bos_token", &config.bos_token),
                ("eos_token", &config.eos_token),
                ("unk_token", &config.unk_token),
                ("pad_token", &config.pad_token),
            ];
            for (name, token) in named {
                if let Some(text) = token.as_ref().map(SpecialToken::text) {
                    tokens.insert(name.into(), text.into());
                }
            }
        }
        Chat { templates, readers: Default::default(), formats, conversation: config.conv_template.whole().cloned(), tokens }
    }

    /// The ids of a prompt.
    ///
    /// # Errors
    /// [`ErrorKind::NoChatTemplate`], [`ErrorKind::ChatTemplate`], [`ErrorKind::ChatTemplateLimit`],
    /// [`ErrorKind::Tokenizer`].
    pub fn prompt(&self, tokenizer: &Tokenizer, dialogue: &Dialogue) -> Result<Vec<u32>> {
        let mut literals = Literals::new(tokenizer);
        let text = self.write(dialogue, |texts| literals.disguise(texts))?;
        let mut ids = match (&self.templates, &self.conversation) {
            (None, Some(conversation)) => conversation.system_prefix_token_ids.clone().unwrap_or_default(),
            _ => Vec::new(),
        };
        // The template writes the special tokens that it wants.
        ids.extend(literals.encode(&text)?);
        Ok(ids)
    }

    /// Whether the package says how to write a conversation. One without has a model that continues texts.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.templates.is_some() || self.conversation.as_ref().is_some_and(tells_roles_apart)
    }

    /// How the model writes answers to a conversation with tools, or to one without.
    #[must_use]
    pub fn format(&self, tools: bool) -> &Format {
        &self.formats[usize::from(tools)]
    }

    /// The text of a prompt, without the ids that MLC's `system_prefix_token_ids` puts before it.
    ///
    /// # Errors
    /// [`ErrorKind::NoChatTemplate`], [`ErrorKind::ChatTemplate`], [`ErrorKind::ChatTemplateLimit`].
    pub fn render(&self, dialogue: &Dialogue) -> Result<String> {
        self.write(dialogue, |_| {})
    }

    /// Writes a prompt, once `prepare` has changed what the conversation says.
    fn write(&self, dialogue: &Dialogue, prepare: impl FnOnce(&mut Value)) -> Result<String> {
        let failed = |failure: Failure| ErrorKind::from(failure).into();
        match (&self.templates, &self.conversation) {
            (Some(Ok(templates)), _) => {
                let for_tools = dialogue.tools.is_some() && templates.has(TOOL_USE);
                let name = if for_tools { TOOL_USE } else { DEFAULT };
                let reader = self.readers[usize::from(for_tools)].get_or_init(|| {
                    let mut variables = variables(&Dialogue::default(), &Reader::default());
                    for (name, token) in &self.tokens {
                        variables[name.as_str()] = token.clone();
                    }
                    Reader::of(templates, name, &variables)
                });
                let mut texts: Vec<Map<String, Value>> = dialogue.messages.iter().map(|message| message.other.clone()).collect();
                let texts = texts.iter_mut().flat_map(arguments).map(|text| text.take()).collect();
                // What people wrote is prepared at once, in all the forms that a template may see.
                let mut forms = Value::Array(vec![variables(dialogue, reader), texts]);
                if let Some(effort) = &dialogue.effort {
                    set_effort(effort, &templates.variables(name), &mut forms[0])?;
                }
                prepare(&mut forms);
                let (mut said, texts) = (forms[0].take(), forms[1].take());
                if let Value::Object(said) = &mut said {
                    for (name, token) in &self.tokens {
                        said.entry(name.as_str()).or_insert_with(|| token.clone());
                    }
                }
                templates.render_messages(name, &mut said, texts.as_array().map_or(&[], Vec::as_slice)).map_err(failed)
            }
            (Some(Err(reason)), _) => Err(failed(reason.clone())),
            (None, Some(conversation)) => {
                let mut texts = dialogue.messages.iter().map(Message::text).collect();
                prepare(&mut texts);
                let texts = texts.as_array().into_iter().flatten().filter_map(Value::as_str);
                conversation::render(conversation, dialogue.messages.iter().map(|message| message.role.as_str()).zip(texts))
            }
            (None, None) => Err(ErrorKind::NoChatTemplate.into()),
        }
    }
}

/// Variables by which templates switch reasoning on and off.
const SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];

/// Says in a template's own variables how much to reason. What the request says of them is stronger.
fn set_effort(effort: &str, reads: &HashSet<String>, variables: &mut Value) -> Result<()> {
    let Value::Object(variables) = variables else { return Ok(()) };
    if reads.contains("reasoning_effort") {
        variables.entry("reasoning_effort").or_insert_with(|| effort.into());
    } else if let Some(switch) = SWITCHES.iter().find(|name| reads.contains(**name)) {
        variables.entry(*switch).or_insert_with(|| (effort != "none").into());
    } else if effort != "medium" {
        let (field, value) = ("reasoning_effort".into(), format!("\"{effort}\""));
        let allowed = "the chat template of the model has no switch for it; only \"medium\" is".into();
        return Err(ErrorKind::UnsupportedField { field, value, allowed }.into());
    }
    Ok(())
}

/// Whether a conversation template is one. MLC packages of models that cannot chat have one that only joins texts.
pub(crate) fn tells_roles_apart(template: &Conversation) -> bool {
    !(template.roles.user.is_empty() && template.roles.assistant.is_empty())
}

/// What Hugging Face's library passes to a template, beside the special tokens.
fn variables(dialogue: &Dialogue, reader: &Reader) -> Value {
    let mut variables = Map::new();
    variables.insert("messages".into(), dialogue.messages.iter().map(|message| template_message(message, reader)).collect());
    variables.insert("tools".into(), dialogue.tools.clone().unwrap_or(Value::Null));
    variables.insert("documents".into(), Value::Null);
    variables.insert("add_generation_prompt".into(), true.into());
    variables.extend(dialogue.variables.clone());
    Value::Object(variables)
}

/// A message as templates expect it: the content in a form that they read (`template/content.rs`),
/// arguments of tool calls are objects instead of texts that hold JSON, and the role `developer`,
/// which few templates know, is `system`.
fn template_message(message: &Message, reader: &Reader) -> Value {
    let role = if message.role == "developer" { "system" } else { &message.role };
    let part = |text: &str| json!({"type": "text", "text": text});
    let content = match (&message.content, reader.reads(role)) {
        (None, _) => None,
        (Some(Content::Null), _) => Some(Value::Null),
        (Some(Content::Text(text)), Reads::Parts) => Some(json!([part(text)])),
        (Some(Content::Parts(parts)), Reads::Parts | Reads::Both) => Some(json!(parts)),
        _ => Some(message.text().into()),
    };
    let mut out = Map::new();
    out.insert("role".into(), role.into());
    out.extend(content.map(|content| ("content".into(), content)));
    out.extend(message.other.clone());
    for arguments in arguments(&mut out) {
        if let Some(parsed) = arguments.as_str().and_then(|text| serde_json::from_slice::<Map<String, Value>>(text.as_bytes()).ok()) {
            *arguments = json!(parsed);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
