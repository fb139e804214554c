//! Text and tokens: what a model reads and writes.
//!
//! [`message`] is what a conversation consists of, [`template`] renders it as the model was trained to
//! see it (or `conversation`, where a package has no such template), [`chat`] joins template and
//! [`tokenizer`], so that what people write stays text, and [`detokenizer`] turns ids back into text,
//! one at a time.

pub mod chat;
mod conversation;
pub mod detokenizer;
pub mod message;
pub mod template;
pub mod tokenizer;
