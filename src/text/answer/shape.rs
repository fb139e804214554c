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
    /// An answer has one call at most.
    pub(super) single: bool,
    pub(super) shape: Shape,
}

/// The notation of a call.
#[derive(Debug, PartialEq)]
pub(super) enum Shape {
    /// `{"name": …, "arguments": {…}}` or a list of such objects, or a list of calls as Python writes them. All of them are read; the
    /// model was trained to write what is said here.
    Plain(Plain),
    /// `{"name": {…}}`, or a list of such objects.
    Keyed,
    /// A name, a separator, then the arguments as JSON.
    Headed(Head),
    /// A name, then each argument in tags.
    Tagged(Tags),
    /// A name and arguments as a programming language writes them.
    Written(Dialect),
}

/// What a model writes of the plain notations.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    /// An object for each call.
    Objects(Members),
    /// A list of objects.
    List(Members),
    /// A list of calls as Python writes them.
    Python,
    /// Objects, or a list as Python writes it, as the prompt asks.
    Either(Members),
}

/// The members of a call's object, in their order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Members {
    /// A member that may come first, and the regular expression of its value in JSON.
    pub(super) first: Option<(&'static str, &'static str)>,
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    /// As `first`, for one that may come last.
    pub(super) last: Option<(&'static str, &'static str)>,
}

/// What comes before JSON arguments.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    /// Texts that may stand behind the last part, and say nothing.
    pub(super) asides: &'static [&'static str],
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
    /// The name has an attribute behind it that says whether the value is a text: `city" string="true`.
    pub(super) says: bool,
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
