//! What the machines of all shapes share: each takes one character at a time and says what it made of it.

use super::piece::Out;
use super::tools::Tools;

/// What a character did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More is needed.
    More,
    /// The character ended it.
    Done,
    /// It had ended before this character, which is not part of it.
    Before,
    /// This is not what it looked like.
    Fail,
}

/// Text that no piece stands for yet. It becomes content if the machine fails.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) text: String,
    /// How much of it came before the section: spaces and the marker.
    pub(super) before: usize,
    /// The call that is being read has been given.
    pub(super) given: bool,
}

impl Held {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.before = 0;
    }
}

/// What a machine sees and writes to.
pub(super) struct Context<'a> {
    pub(super) tools: &'a Tools,
    pub(super) out: &'a mut Out,
    pub(super) held: &'a mut Held,
}

impl Context<'_> {
    /// Begins a call, which cannot be undone.
    pub(super) fn call(&mut self, id: Option<String>, name: &str) {
        self.out.call(id, name.to_string());
        self.held.clear();
        self.held.given = true;
    }

    /// Gives more of the call's arguments.
    pub(super) fn arguments(&mut self, text: &str) {
        self.out.arguments(text);
        self.held.clear();
    }
}
