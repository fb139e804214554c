//! The types that describe how a family of models writes calls and reasoning. All of it is static data.

/// Where calls are and how each is written.
///
/// Calls may stand in a section, each may have markers of its own, or both: `open item … item_end item … item_end close`. All but the
/// first marker may be missing, in the format or in what the model writes.
#[derive(Debug, PartialEq)]
pub(super) struct Calls {
    /// Markers that begin a section. Without `item` a call follows at once.
    pub(super) open: &'static [&'static str],
    /// The content may begin with a call that has no marker.
    pub(super) bare: bool,
    /// Markers that begin a call.
    pub(super) item: &'static [&'static str],
    /// Markers that may follow a call.
    pub(super) item_end: &'static [&'static str],
    /// Markers that end a section.
    pub(super) close: &'static [&'static str],
    pub(super) shape: Shape,
}

/// The notation of a call.
#[derive(Debug, PartialEq)]
pub(super) enum Shape {
    /// `{"name": …, "arguments": {…}}` or a list of such objects, or a list of calls as Python writes them.
    Plain,
    /// `{"name": {…}}`, or a list of such objects.
    Keyed,
    /// A name, a separator, then the arguments as JSON.
    Headed(Head),
    /// A name, then each argument in tags.
    Tagged(Tags),
    /// A name and arguments as a programming language writes them.
    Written(Dialect),
}

/// What comes before JSON arguments.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    /// Ends the head.
    pub(super) end: &'static str,
    /// Separates the parts where there are several.
    pub(super) split: &'static str,
    pub(super) parts: &'static [Part],
}

/// A part of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Name,
    Id,
    /// `functions.name:0`, which is name and id at once.
    Path,
    /// Says nothing: there are only functions.
    Kind,
}

/// A name, then arguments in tags.
#[derive(Debug, PartialEq)]
pub(super) struct Tags {
    /// Ends the name. If empty, the first `key` or `end` does.
    pub(super) name_end: &'static str,
    /// Begins an argument's name.
    pub(super) key: &'static str,
    pub(super) key_end: &'static str,
    /// Begins the value, after spaces. Empty where the value follows at once.
    pub(super) value: &'static str,
    pub(super) value_end: &'static str,
    /// Ends the call.
    pub(super) end: &'static str,
    /// The value stands on lines of its own: one newline on each side is not its own.
    pub(super) padded: bool,
}

/// A notation of values and calls, as in `name(key='text')`.
#[derive(Debug, PartialEq)]
pub(super) struct Dialect {
    /// Begins and ends the arguments of a call.
    pub(super) open: char,
    pub(super) close: char,
    /// Stands between an argument's name and its value.
    pub(super) assign: char,
    /// A marker around texts, within which nothing is escaped. Empty for none: then there are quotes only.
    pub(super) quote: &'static str,
    /// Names of members are written without quotes.
    pub(super) bare_keys: bool,
}

/// Calls in Python's notation. [`Shape::Plain`] knows it too.
pub(super) static PYTHON: Dialect = Dialect { open: '(', close: ')', assign: '=', quote: "", bare_keys: false };

/// Where reasoning is.
#[derive(Debug, PartialEq)]
pub(super) struct Reasoning {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// The marker is made of special tokens, which mean it wherever they are. Others are taken for a marker only where the content begins:
    /// an answer may speak of `<think>`.
    pub(super) anywhere: bool,
}
