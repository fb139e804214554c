//! What a host refuses, and how models that it had are lost.

/// What a host refuses, and how models that it had are lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// A name that no loaded model has.
    #[error("no model `{name}` is loaded; {}", loaded(.models))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The models that are loaded.
        models: Vec<String>,
    },
    /// A name that another model has already.
    #[error("there is a model `{name}` already; unload it first, or choose another name")]
    ModelExists {
        /// The name.
        name: String,
    },
    /// The model is gone, and with it the rest of the answer.
    #[error("the model `{name}` was unloaded before the answer was complete")]
    Unloaded {
        /// The model.
        name: String,
    },
    /// The code that runs a model panicked. Other models go on.
    #[error("the model `{name}` failed and was unloaded: {reason}; please report this, and load the model again")]
    Crashed {
        /// The model.
        name: String,
        /// What the panic said.
        reason: String,
    },
    /// A model does not fit beside those that are loaded.
    #[error(
        "the model `{name}` needs {needed} bytes at least, and {available} of the {total} that models may have can be given to it{}; \
         unload a model, choose a smaller one, or allow more memory",
        held(.models)
    )]
    NoRoom {
        /// The model.
        name: String,
        /// Bytes of its weights, its activations and the smallest cache.
        needed: u64,
        /// Bytes that no other model holds, or could give back.
        available: u64,
        /// Bytes that all models may have together.
        total: u64,
        /// The other models, and the bytes that each holds and cannot give back.
        models: Vec<(String, u64)>,
    },
}

fn loaded(models: &[String]) -> String {
    if models.is_empty() { "none is".into() } else { format!("loaded: {}", models.join(", ")) }
}

fn held(models: &[(String, u64)]) -> String {
    let each: Vec<_> = models.iter().map(|(name, bytes)| format!("`{name}` holds {bytes}")).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}
