//! The list of models.

use serde::Serialize;

use super::json;
use crate::engine::intake::Intake;

/// The models that a host serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelList {
    /// `list`
    pub object: &'static str,
    /// The models.
    pub data: Vec<ModelObject>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelObject {
    /// What requests and responses call it.
    pub id: String,
    /// `model`
    pub object: &'static str,
    /// Seconds since 1970, when it was loaded.
    pub created: u64,
    /// `tegula`
    pub owned_by: &'static str,
    /// The most tokens of a prompt and its answer together, under the name that vLLM gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_model_len: Option<u32>,
    /// What it does, in the form that Mistral's API has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Capabilities {
    /// Whether it answers conversations. Others continue texts only.
    pub completion_chat: bool,
}

impl ModelList {
    /// The list of these models.
    #[must_use]
    pub fn of(models: impl IntoIterator<Item = ModelObject>) -> ModelList {
        ModelList { object: "list", data: models.into_iter().collect() }
    }

    /// The JSON to send.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}

impl ModelObject {
    /// A model that was loaded at this time.
    #[must_use]
    pub fn new(id: impl Into<String>, created: u64) -> ModelObject {
        ModelObject { id: id.into(), object: "model", created, owned_by: "tegula", max_model_len: None, capabilities: None }
    }

    /// The model with what its requests are checked against.
    #[must_use]
    pub fn described(mut self, intake: &Intake) -> ModelObject {
        self.max_model_len = Some(intake.capacity());
        self.capabilities = Some(Capabilities { completion_chat: intake.chats() });
        self
    }

    /// The JSON to send.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}
