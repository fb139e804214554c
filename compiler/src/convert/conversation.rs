//! `conv_template` of mlc-chat-config.json: how WebLLM joins messages.
//!
//! Tegula itself renders the tokenizer's own Jinja template. WebLLM cannot. So a package for both needs a template of this kind too. It is
//! guessed from the marks that the Jinja template writes.

use super::tokenizer::Tokenizer;
use super::tokenizer_config::TokenizerConfig;
use tegula_package::mlc::conversation::{Conversation, Roles, Stops};

/// A family of templates.
struct Style {
    name: &'static str,
    /// The mark by which a Jinja template of the family is known.
    mark: &'static str,
    system_template: &'static str,
    system_message: &'static str,
    add_role_after_system_message: bool,
    user: &'static str,
    assistant: &'static str,
    sep: &'static str,
    role_content_sep: &'static str,
    role_empty_sep: &'static str,
    /// The text that ends a turn, which is a token of its own in most tokenizers.
    end: &'static str,
}

const STYLES: [Style; 3] = [
    Style {
        name: "chatml",
        mark: "<|im_start|>",
        system_template: "<|im_start|>system\n{system_message}<|im_end|>\n",
        system_message: "You are a helpful assistant.",
        add_role_after_system_message: true,
        user: "<|im_start|>user",
        assistant: "<|im_start|>assistant",
        sep: "<|im_end|>\n",
        role_content_sep: "\n",
        role_empty_sep: "\n",
        end: "<|im_end|>",
    },
    Style {
        name: "llama-3",
        mark: "<|start_header_id|>",
        system_template: "<|start_header_id|>system<|end_header_id|>\n\n{system_message}<|eot_id|>",
        system_message: "You are a helpful assistant.",
        add_role_after_system_message: true,
        user: "<|start_header_id|>user",
        assistant: "<|start_header_id|>assistant",
        sep: "<|eot_id|>",
        role_content_sep: "<|end_header_id|>\n\n",
        role_empty_sep: "<|end_header_id|>\n\n",
        end: "<|eot_id|>",
    },
    Style {
        name: "mistral_default",
        mark: "[INST]",
        system_template: "[INST] {system_message}\n\n",
        system_message: "You are a helpful assistant.",
        add_role_after_system_message: false,
        user: "[INST]",
        assistant: "[/INST]",
        sep: "</s>",
        role_content_sep: " ",
        role_empty_sep: "",
        end: "</s>",
    },
];

/// Text that goes on, without turns.
const PLAIN: Style = Style {
    name: "LM",
    mark: "",
    system_template: "{system_message}",
    system_message: "",
    add_role_after_system_message: true,
    user: "",
    assistant: "",
    sep: "",
    role_content_sep: "",
    role_empty_sep: "",
    end: "",
};

/// Guesses the template of a model whose text starts with the token `bos` (if its tokenizer wants that)
/// and ends with one of `eos`.
pub(super) fn guess(config: &TokenizerConfig, tokenizer: Option<&Tokenizer>, bos: Option<u32>, eos: &[u32]) -> Conversation {
    let template = config.chat_template.as_deref().unwrap_or_default();
    let style = STYLES.into_iter().find(|style| template.contains(style.mark)).unwrap_or(PLAIN);
    let starts_with_bos = match style.name {
        "LM" => config.starts_with_bos,
        _ => template.contains("bos_token") || template.contains("<|begin_of_text|>"),
    };
    let end = tokenizer.and_then(|tokenizer| tokenizer.added.get(style.end)).copied();
    let mut stop_token_ids = eos.to_vec();
    stop_token_ids.extend(end.filter(|end| !eos.contains(end)));
    Conversation {
        name: style.name.into(),
        system_template: style.system_template.into(),
        system_message: style.system_message.into(),
        system_prefix_token_ids: bos.filter(|_| starts_with_bos).map(|bos| vec![bos]),
        add_role_after_system_message: style.add_role_after_system_message,
        roles: Roles { user: style.user.into(), assistant: style.assistant.into(), tool: None },
        seps: vec![style.sep.into()],
        role_content_sep: style.role_content_sep.into(),
        role_empty_sep: style.role_empty_sep.into(),
        stop_str: Stops::Several(Some(style.end).filter(|end| !end.is_empty()).into_iter().map(str::to_owned).collect()),
        stop_token_ids,
        ..Conversation::default()
    }
}

/// Whether messages are joined without any markup.
pub(super) fn is_plain(conversation: &Conversation) -> bool {
    conversation.name == PLAIN.name
}
