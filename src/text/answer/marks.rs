//! Finds markers in text that is still growing.

/// What a text has of a set of markers.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A marker begins here. It is the longest one that does.
    At(usize, &'static str),
    /// From here on it may become a marker.
    Maybe(usize),
    Nothing,
}

/// Finds the first marker. `whole` says that the text will not grow.
pub(super) fn first(text: &str, marks: &[&'static str], whole: bool) -> Found {
    for (at, _) in text.char_indices() {
        let rest = &text[at..];
        if !whole && marks.iter().any(|mark| mark.len() > rest.len() && mark.starts_with(rest)) {
            return Found::Maybe(at);
        }
        if let Some(mark) = marks.iter().filter(|mark| rest.starts_with(**mark)).max_by_key(|mark| mark.len()) {
            return Found::At(at, mark);
        }
    }
    Found::Nothing
}

/// How many bytes at the end of the text may begin the marker.
pub(super) fn begun(text: &str, mark: &str) -> usize {
    let longest = mark.len().saturating_sub(1).min(text.len());
    (1..=longest).rev().find(|&length| text.as_bytes()[text.len() - length..] == mark.as_bytes()[..length]).unwrap_or(0)
}
