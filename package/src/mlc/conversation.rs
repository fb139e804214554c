//! `conv_template` of mlc-chat-config.json: how messages become a prompt, for readers without Jinja.
//!
//! A prompt is the system part, then each message as `role + separator + text + end`, then the opening
//! of the answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "make")]
use super::lenient;

/// A conversation template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// Its name among MLC's.
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub name: String,
    /// The system part, with `{system_message}` for its text.
    pub system_template: String,
    /// The system text where the conversation has none.
    pub system_message: String,
    /// Ids before everything.
    pub system_prefix_token_ids: Option<Vec<u32>>,
    /// Whether the first message still names its role after a system part.
    pub add_role_after_system_message: bool,
    /// What names a role.
    pub roles: Roles,
    /// The text of a message, with `{user_message}` and the like for its content.
    pub role_templates: RoleTemplates,
    /// Messages before the first: MLC's own templates have none.
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub messages: Vec<Value>,
    /// The end of a message: one for all, or one for those of the assistant and one for all others.
    pub seps: Vec<String>,
    /// Between role and content.
    pub role_content_sep: String,
    /// Between role and an answer that is still to come.
    pub role_empty_sep: String,
    /// Texts that end an answer.
    pub stop_str: Stops,
    /// Ids that end an answer.
    pub stop_token_ids: Vec<u32>,
    /// What stands for the tools in a user's template.
    pub function_string: String,
    /// Whether WebLLM offers tools.
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub use_function_calling: bool,
}

/// Names of the roles, as the model was trained to see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is the role it names")]
pub struct Roles {
    pub user: String,
    pub assistant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// Templates of the roles' messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is the role it serves")]
pub struct RoleTemplates {
    pub user: String,
    pub assistant: String,
    pub tool: String,
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stops {
    /// `"</s>"`
    One(String),
    /// `["</s>", "\n\n"]`
    Several(Vec<String>),
}

impl Stops {
    /// The texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Stops::One(text) => std::slice::from_ref(text),
            Stops::Several(texts) => texts,
        }
    }
}

impl Default for Stops {
    fn default() -> Self {
        Stops::Several(Vec::new())
    }
}

impl Default for Roles {
    fn default() -> Self {
        Roles { user: "user".into(), assistant: "assistant".into(), tool: None }
    }
}

impl Default for RoleTemplates {
    fn default() -> Self {
        RoleTemplates { user: "{user_message}".into(), assistant: "{assistant_message}".into(), tool: "{tool_message}".into() }
    }
}

impl Default for Conversation {
    fn default() -> Self {
        Conversation {
            name: String::new(),
            system_template: "{system_message}".into(),
            system_message: String::new(),
            system_prefix_token_ids: None,
            add_role_after_system_message: true,
            roles: Roles::default(),
            role_templates: RoleTemplates::default(),
            messages: Vec::new(),
            seps: vec!["\n".into()],
            role_content_sep: ": ".into(),
            role_empty_sep: ": ".into(),
            stop_str: Stops::default(),
            stop_token_ids: Vec::new(),
            function_string: String::new(),
            use_function_calling: false,
        }
    }
}
