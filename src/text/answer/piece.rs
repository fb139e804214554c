//! What an answer consists of, and where its pieces are collected.

/// What a piece of text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Plain text of the answer.
    Content(String),
    /// Text of the reasoning.
    Reasoning(String),
    /// A call begins. Its arguments follow.
    Call {
        /// The call's number within the answer, from 0.
        index: usize,
        /// The call's id where the model wrote one before the arguments.
        id: Option<String>,
        /// The tool's name as the request has it.
        name: String,
    },
    /// More of a call's arguments. Joined they are the text of a JSON object, except where the answer broke off or the model's JSON was
    /// broken.
    Arguments {
        /// The call's number.
        index: usize,
        /// The next part of the JSON text.
        text: String,
    },
}

/// Pieces in order. Neighbours of one kind are joined.
#[derive(Debug, Default)]
pub(super) struct Out {
    pieces: Vec<Piece>,
    calls: usize,
}

impl Out {
    pub(super) fn content(&mut self, more: &str) {
        if let Some(Piece::Content(text)) = self.pieces.last_mut() {
            text.push_str(more);
        } else if !more.is_empty() {
            self.pieces.push(Piece::Content(more.to_string()));
        }
    }

    pub(super) fn reasoning(&mut self, more: &str) {
        if let Some(Piece::Reasoning(text)) = self.pieces.last_mut() {
            text.push_str(more);
        } else if !more.is_empty() {
            self.pieces.push(Piece::Reasoning(more.to_string()));
        }
    }

    /// Begins the next call.
    pub(super) fn call(&mut self, id: Option<String>, name: String) {
        self.pieces.push(Piece::Call { index: self.calls, id, name });
        self.calls += 1;
    }

    /// Arguments of the latest call. Before any call there is nothing they could belong to.
    pub(super) fn arguments(&mut self, more: &str) {
        let Some(index) = self.calls.checked_sub(1) else { return };
        match self.pieces.last_mut() {
            Some(Piece::Arguments { text, .. }) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.pieces.push(Piece::Arguments { index, text: more.to_string() }),
        }
    }

    pub(super) fn take(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.pieces)
    }
}
