//! What a model's answer says: plain text, reasoning and tool calls, told apart while the text streams in.
//!
//! Each family of models writes calls in the notation it was trained on. The notations look many, but they have few shapes, so a format is
//! data: markers and a shape. One small machine reads each shape.
//!
//! - `piece` has what comes out.
//! - `shape` has the types that describe a format. `families` has the formats themselves. `format` finds one in a chat template.
//! - `tools` has the request's tools. `value` turns a written value into the JSON that a tool's schema asks for.
//! - `json` follows a JSON value character by character. `step` is what the machines share.
//! - `object` reads calls that are JSON objects, `headed` a name with JSON arguments, `tagged` a name with tagged arguments, and
//!   `written` calls in a programming notation, whose values `notation` reads.
//! - `section` reads the calls between markers. `marks` finds markers in text.
//! - `parser` joins all of it.
//! - `grammar` writes grammars of answers that call, so that a model cannot but write what the parser reads.
//!
//! Three rules hold throughout. The result does not depend on how the text is cut. A call is reported as soon as nothing can undo it, and
//! its JSON arguments stream from there. What only looked like a call is given back as content, unchanged.
//!
//! Left out are only markers and the spaces around them, and what a call's notation has beside its name, id and arguments.

mod families;
mod format;
mod grammar;
mod headed;
mod json;
mod marks;
mod notation;
mod object;
mod parser;
mod piece;
mod section;
mod shape;
mod step;
mod tagged;
mod tools;
mod value;
mod written;

#[cfg(test)]
mod detection_tests;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transcript_tests;

pub(crate) use format::Begins;
pub use format::Format;
pub use grammar::Calling;
pub use parser::Parser;
pub use piece::Piece;
