//! Text and tokens: what a model reads and writes.
//!
//! - [`message`] has the messages of a conversation.
//! - [`template`] renders a conversation with the package's Jinja template. `conversation` does it for packages without one.
//! - [`tokenizer`] turns text into ids. `vocabulary` has its tokens as grammars need them.
//! - [`chat`] joins template and tokenizer. It makes sure that what people write stays text.
//! - `infill` writes prompts with a gap. `inside` has the ids of a text that goes on from another.
//! - [`detokenizer`] turns ids back into text, one at a time.
//! - [`answer`] tells reasoning and tool calls from the rest of that text.

pub mod answer;
pub mod chat;
mod conversation;
pub mod detokenizer;
#[cfg(test)]
#[path = "histories/tests.rs"]
mod histories;
pub(crate) mod infill;
pub(crate) mod inside;
pub mod message;
pub mod template;
pub mod tokenizer;
mod vocabulary;
