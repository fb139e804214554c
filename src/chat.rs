//! Conversations to prompts: the ids that the model was trained to see before an answer.
//!
//! A package's Jinja template has the first word (`chat_template.jinja`, else tokenizer_config.json), then MLC's `conv_template`.

use serde_json::{Map, Value, json};

use crate::config::ChatConfig;
use crate::conversation::Conversation;
use crate::openai::Message;
use crate::template::Templates;
use crate::tokenizer::{ChatTemplates, Literals, SpecialToken, Tokenizer, TokenizerConfig};
use crate::{ErrorKind, Result};

/// A conversation that waits for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dialogue {
    /// What was said so far.
    pub messages: Vec<Message>,
    /// Tools that the model may call, as OpenAI describes them.
    pub tools: Option<Value>,
    /// More variables for the template, such as `enable_thinking`.
    pub variables: Map<String, Value>,
}

/// How a package writes conversations.
pub struct Chat {
    /// Or why they cannot be used.
    templates: Option<Result<Templates, String>>,
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
        let templates = match (jinja, tokenizer.and_then(|config| config.chat_template.as_ref())) {
            (Some(text), _) => Some(Templates::new([(DEFAULT, text)])),
            (None, Some(ChatTemplates::One(text))) => Some(Templates::new([(DEFAULT, text.as_str())])),
            (None, Some(ChatTemplates::Named(several))) => {
                Some(Templates::new(several.iter().map(|named| (named.name.as_str(), named.template.as_str()))))
            }
            (None, None) => None,
        };
        if let Some(Err(reason)) = &templates {
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
        Chat { templates, conversation: config.conv_template.whole().cloned(), tokens }
    }

    /// The ids of a prompt.
    ///
    /// # Errors
    /// [`ErrorKind::NoChatTemplate`], [`ErrorKind::ChatTemplate`], [`ErrorKind::Tokenizer`].
    pub fn prompt(&self, tokenizer: &Tokenizer, dialogue: &Dialogue) -> Result<Vec<u32>> {
        let mut literals = Literals::new(tokenizer);
        let text = self.write(dialogue, |texts| literals.disguise(texts))?;
        let mut ids = match (&self.templates, &self.conversation) {
            (None, Some(conversation)) => conversation.system_prefix_token_ids.clone(),
            _ => Vec::new(),
        };
        // The template writes the special tokens that it wants.
        ids.extend(literals.encode(&text)?);
        Ok(ids)
    }

    /// The text of a prompt, without the ids that MLC's `system_prefix_token_ids` puts before it.
    ///
    /// # Errors
    /// [`ErrorKind::NoChatTemplate`], [`ErrorKind::ChatTemplate`].
    pub fn render(&self, dialogue: &Dialogue) -> Result<String> {
        self.write(dialogue, |_| {})
    }

    /// Writes a prompt, once `prepare` has changed what the conversation says.
    fn write(&self, dialogue: &Dialogue, prepare: impl FnOnce(&mut Value)) -> Result<String> {
        let failed = |reason: String| ErrorKind::ChatTemplate { reason }.into();
        match (&self.templates, &self.conversation) {
            (Some(Ok(templates)), _) => {
                let name = if dialogue.tools.is_some() && templates.has(TOOL_USE) { TOOL_USE } else { DEFAULT };
                let mut said = variables(dialogue);
                prepare(&mut said);
                if let Value::Object(said) = &mut said {
                    for (name, token) in &self.tokens {
                        said.entry(name.as_str()).or_insert_with(|| token.clone());
                    }
                }
                templates.render(name, &said).map_err(failed)
            }
            (Some(Err(reason)), _) => Err(failed(reason.clone())),
            (None, Some(conversation)) => {
                let mut texts = dialogue.messages.iter().map(Message::text).collect();
                prepare(&mut texts);
                let texts = texts.as_array().into_iter().flatten().filter_map(Value::as_str);
                conversation.render(dialogue.messages.iter().map(|message| message.role.as_str()).zip(texts))
            }
            (None, None) => Err(ErrorKind::NoChatTemplate.into()),
        }
    }
}

/// What Hugging Face's library passes to a template, beside the special tokens.
fn variables(dialogue: &Dialogue) -> Value {
    let mut variables = Map::new();
    variables.insert("messages".into(), dialogue.messages.iter().map(template_message).collect());
    variables.insert("tools".into(), dialogue.tools.clone().unwrap_or(Value::Null));
    variables.insert("documents".into(), Value::Null);
    variables.insert("add_generation_prompt".into(), true.into());
    variables.extend(dialogue.variables.clone());
    Value::Object(variables)
}

/// A message as templates expect it: the content is a text, arguments of tool calls are objects instead of texts that hold JSON, and the
/// role `developer`, which few templates know, is `system`.
fn template_message(message: &Message) -> Value {
    let mut out = message.other.clone();
    let role = if message.role == "developer" { "system" } else { &message.role };
    out.insert("role".into(), role.into());
    out.insert("content".into(), message.text().into());
    for call in out.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(arguments) = call.pointer_mut("/function/arguments")
            && let Some(parsed) = arguments.as_str().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
        {
            *arguments = json!(parsed);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(messages: Value) -> Dialogue {
        Dialogue { messages: serde_json::from_value(messages).unwrap(), ..Dialogue::default() }
    }

    fn chat(tokenizer_config: &str, jinja: Option<&str>, config: &str) -> Chat {
        Chat::new(Some(&TokenizerConfig::parse(tokenizer_config).unwrap()), jinja, &ChatConfig::parse(config).unwrap())
    }

    const MLC: &str = r#"{"conv_template": {"roles": {"user": "U", "assistant": "A"}, "seps": ["|"], "system_prefix_token_ids": [1]}}"#;

    #[test]
    fn the_template_file_comes_before_the_config_and_mlc() {
        let hi = dialogue(json!([{"role": "user", "content": "hi"}]));
        let config = r#"{"bos_token": {"content": "<s>"}, "chat_template": "{{ bos_token }}{{ messages[0].content }}"}"#;
        assert_eq!(chat(config, Some("file {{ eos_token is defined }}"), MLC).render(&hi).unwrap(), "file False");
        assert_eq!(chat(config, None, MLC).render(&hi).unwrap(), "<s>hi");
        assert_eq!(chat("{}", None, MLC).render(&hi).unwrap(), "U: hi|A: ");
        assert_eq!(chat("{}", None, "{}").render(&hi).unwrap_err().code(), "NoChatTemplateError");
    }

    #[test]
    fn tools_choose_their_template() {
        let config = r#"{"chat_template": [{"name": "default", "template": "plain {{ tools is none }}"},
            {"name": "tool_use", "template": "{{ tools | tojson }}"}]}"#;
        let mut hi = dialogue(json!([{"role": "user", "content": "hi"}]));
        assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), "plain True");
        hi.tools = Some(json!([{"type": "function"}]));
        assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), r#"[{"type": "function"}]"#);
    }

    #[test]
    fn messages_are_as_templates_expect_them() {
        let dump = r#"{"chat_template": "{{ messages | tojson }}"}"#;
        let said = dialogue(json!([
            {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
            {"role": "tool", "content": "2", "tool_call_id": "0"},
        ]));
        assert_eq!(
            serde_json::from_str::<Value>(&chat(dump, None, "{}").render(&said).unwrap()).unwrap(),
            json!([
                {"role": "system", "content": "a\nb"},
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
                {"role": "tool", "content": "2", "tool_call_id": "0"},
            ])
        );
    }

    #[test]
    fn variables_of_the_request_reach_the_template() {
        let config = r#"{"chat_template": "{{ enable_thinking }} {{ add_generation_prompt }}"}"#;
        let mut hi = dialogue(json!([]));
        hi.variables.insert("enable_thinking".into(), false.into());
        assert_eq!(chat(config, None, "{}").render(&hi).unwrap(), "False True");
    }

    #[test]
    fn a_broken_template_is_an_error_only_when_used() {
        let broken = chat(r#"{"chat_template": "{% if %}"}"#, None, MLC);
        let error = broken.render(&dialogue(json!([]))).unwrap_err();
        assert_eq!(error.code(), "ChatTemplateError");
        assert!(error.to_string().contains("default:1"), "{error}");
    }
}
