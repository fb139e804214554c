//! The kinds of errors, with their messages for people.

use std::borrow::Cow;

use super::HostError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The model library cannot be read.
    #[error(transparent)]
    Library(#[from] tegula_plan::Error),
    /// The device refused something or is missing.
    #[error(transparent)]
    Gpu(#[from] tegula_gpu::Error),
    /// The launch code of the library failed.
    #[error("the launch function `{function}` of the model library failed: {reason}; compile or download the library again")]
    Launch {
        /// Its export.
        function: String,
        /// What the engine said.
        reason: String,
    },
    /// The library has no entry that the request needs.
    #[error("the model library has no entry `{entry}`; compile the model again with this release")]
    NoEntry {
        /// Its name.
        entry: &'static str,
    },
    /// The package lacks a tensor that the library reads.
    #[error(
        "the package has no tensor `{name}` ({expected}), which the model library reads{more}; compile a library from this package's mlc-chat-config.json"
    )]
    MissingParam {
        /// The tensor.
        name: String,
        /// Shape and element type that the library expects, such as `uint32 [2048, 256]`.
        expected: String,
        /// Other tensors that do not fit, or nothing.
        more: String,
    },
    /// A tensor of the package is not what the library was compiled for.
    #[error(
        "tensor `{name}` is {found} in the package, but {expected} in the model library{more}; compile a library from this package's mlc-chat-config.json"
    )]
    ParamMismatch {
        /// The tensor.
        name: String,
        /// Shape and element type that the library expects.
        expected: String,
        /// Those of the package.
        found: String,
        /// Other tensors that do not fit, or nothing.
        more: String,
    },
    /// The library and the package have tensors of the same shapes, but are of different models.
    #[error(
        "`{name}` is {expected} in the model library, but {found} in the package, so that they are of different models{more}; compile a library from this package's mlc-chat-config.json (if that was edited since the package was made, convert the model again)"
    )]
    ModelMismatch {
        /// The fact about the model that differs, such as `rope`.
        name: String,
        /// What the library says.
        expected: String,
        /// What the package says.
        found: String,
        /// Other facts that differ, or nothing.
        more: String,
    },
    /// 32-bit precision was asked for, but the library stores keys and values in 16 bits.
    #[error(
        "precision f32 was asked for, but this model library keeps keys and values in 16 bits; compile one with `tegula compile --precision f32`"
    )]
    Precision,
    /// A file of the package cannot be used.
    #[error(transparent)]
    Package(#[from] tegula_package::Error),
    /// A shard's bytes are not those that the manifest describes.
    #[error("shard `{shard}` is corrupt: its MD5 is {found}, the manifest says {expected}; download or convert it again")]
    CorruptShard {
        /// The file.
        shard: String,
        /// The hash in the manifest.
        expected: String,
        /// The hash of what arrived.
        found: String,
    },
    /// A shard ends too early or too late.
    #[error(
        "shard `{shard}` has {found} bytes, the manifest says {expected}; its MD5 is {found_md5}, the manifest says {expected_md5}; download or convert it again"
    )]
    ShardLength {
        /// The file.
        shard: String,
        /// Bytes in the manifest.
        expected: u64,
        /// Bytes that arrived.
        found: u64,
        /// The hash in the manifest.
        expected_md5: String,
        /// The hash of what arrived.
        found_md5: String,
    },
    /// Shards were pushed in a wrong order, or weights are missing when the model is finished.
    #[error("the weights were loaded out of order: {reason}")]
    LoadOrder {
        /// What was expected and what was called.
        reason: String,
    },
    /// Something does not fit the memory that may be used.
    #[error("{what} needs {needed} bytes, but {available} are left of the memory budget; {advice}")]
    Budget {
        /// What does not fit.
        what: String,
        /// Bytes it needs.
        needed: u64,
        /// Bytes that are left.
        available: u64,
        /// What can be done.
        advice: &'static str,
    },
    /// The prompt leaves no room.
    #[error(
        "the prompt has {prompt} tokens, but the model's context holds {context}, of which at least one is for the answer; shorten the prompt, or leave out the oldest messages"
    )]
    ContextWindowSizeExceeded {
        /// Tokens of the prompt.
        prompt: u64,
        /// Tokens that a sequence can have.
        context: u64,
    },
    /// There is nothing to continue.
    #[error("the prompt is empty: it has no tokens, and the tokenizer adds none")]
    EmptyPrompt,
    /// An id that the model does not know.
    #[error("token id {id} is not in the vocabulary of {vocab_size} tokens")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Number of ids.
        vocab_size: u32,
    },
    /// A request is not JSON of the expected form.
    #[error("the request cannot be read: {reason}")]
    InvalidRequest {
        /// What the parser said, and where.
        reason: String,
    },
    /// A request has a field that nobody knows.
    #[error("`{field}` is not a known field; {advice}")]
    UnknownField {
        /// Its path.
        field: String,
        /// Which was meant, or what else to do.
        advice: String,
    },
    /// A field of a request holds something of another type, or is missing.
    #[error("`{field}` is {value}, but must be {allowed}")]
    FieldType {
        /// Its path.
        field: String,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// A field of a request is out of range.
    #[error("`{field}` is {value}, but must be {allowed}")]
    FieldRange {
        /// Its path.
        field: Cow<'static, str>,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: Cow<'static, str>,
    },
    /// A field of a request is known, but this release cannot do what it asks.
    #[error("`{field}` is {value}, which is not supported: {allowed}")]
    UnsupportedField {
        /// Its path.
        field: String,
        /// What it is.
        value: String,
        /// What can be asked instead.
        allowed: String,
    },
    /// What an answer must keep to is no grammar, or one that is too much work.
    #[error("`{field}` is no grammar that answers can keep to: {reason}")]
    Grammar {
        /// Path of the field that asks for it.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Messages in an order that makes no conversation.
    #[error("messages[{index}] has role `{role}`, but {rule}")]
    MessageOrder {
        /// Which message.
        index: usize,
        /// Its role.
        role: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A role that no chat template knows.
    #[error("messages[{index}] has role `{role}`; known are system, developer, user, assistant and tool")]
    UnsupportedRole {
        /// Which message.
        index: usize,
        /// Its role.
        role: String,
    },
    /// A part of a message's content that the model cannot take.
    #[error("messages[{index}] has a content part of type `{part}`; this model takes `text` only")]
    UnsupportedContentPart {
        /// Which message.
        index: usize,
        /// The part's type.
        part: String,
    },
    /// `stream_options` without streaming.
    #[error("`stream_options` needs `stream: true`")]
    StreamOptions,
    /// The package has no tokenizer.
    #[error("the package has no tokenizer.json, so text cannot be read or written; give token ids, or add the model's tokenizer.json")]
    NoTokenizer,
    /// The tokenizer's files or what it was given are at fault.
    #[error("the tokenizer failed: {reason}")]
    Tokenizer {
        /// What it said.
        reason: String,
    },
    /// The package says nothing about how to write a conversation.
    #[error(
        "the package has neither a chat template (tokenizer_config.json, chat_template.jinja) nor a conv_template (mlc-chat-config.json); give a raw prompt instead of messages"
    )]
    NoChatTemplate,
    /// The chat template does not parse, or refuses this conversation.
    #[error("the chat template failed: {reason}")]
    ChatTemplate {
        /// What it said, with the line.
        reason: String,
    },
    /// The chat template goes over a bound, for itself or for this conversation.
    #[error(
        "the chat template has more than {most} {what}, which is the limit; take the template of the model's publisher, or shorten the conversation"
    )]
    ChatTemplateLimit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        most: u64,
    },
    /// The model computed NaN or infinite logits.
    #[error("the logits after token {position} are not finite; the weights are damaged, or overflow in this precision")]
    NotFinite {
        /// Position of the last token that was read.
        position: u32,
    },
    /// What is asked of a host cannot be done, or a model of it is gone.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Every sequence slot is taken.
    #[error("all {slots} sequence slots are in use; wait for a request to finish")]
    Busy {
        /// How many there are.
        slots: u32,
    },
    /// The request was interrupted.
    #[error("the request was interrupted")]
    Interrupted,
}

impl From<tegula_package::ErrorKind> for ErrorKind {
    fn from(kind: tegula_package::ErrorKind) -> Self {
        ErrorKind::Package(kind.into())
    }
}
