//! The list of models.

use serde::Serialize;

use super::json;

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
        ModelObject { id: id.into(), object: "model", created, owned_by: "tegula" }
    }

    /// The JSON to send.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}
