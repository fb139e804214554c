//! What a page's `engine.fetch` asks beside answers of the model, so that it says what a server would.

use serde::{Deserialize, Serialize};

use crate::api::response::ErrorResponse;

/// What is to be said.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Inquiry {
    /// Readiness.
    Health,
    /// The list of models.
    Models,
    /// The model of this name.
    Model {
        /// What it is called.
        name: String,
    },
    /// Embeddings, which no model makes.
    Embeddings,
    /// That nothing is at an address.
    Address {
        /// How it was asked for.
        method: String,
        /// Its path.
        path: String,
    },
    /// That an address takes another method.
    Method {
        /// How it was asked for.
        method: String,
        /// Its path.
        path: String,
    },
    /// That a body does not say that it is JSON.
    Media,
    /// That a body is no text.
    Encoding,
}

/// What to say.
#[derive(Serialize)]
pub struct Reply {
    /// Of HTTP.
    status: u16,
    /// JSON.
    body: String,
}

impl Reply {
    /// What was asked for.
    #[must_use]
    pub fn ok(body: String) -> Reply {
        Reply { status: 200, body }
    }
}

impl From<ErrorResponse> for Reply {
    fn from(error: ErrorResponse) -> Reply {
        Reply { status: error.status(), body: error.json() }
    }
}
