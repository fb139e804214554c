//! Stop strings in streamed text.
//!
//! Text that could be the start of a stop string is held back until it is known whether it is one, so that no part of a stop string is
//! ever shown. What is shown does not depend on how the text is cut into pieces: the stop that is complete first ends it.

/// Looks for stop strings in pieces of text.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    stops: Vec<String>,
    held: String,
}

impl Stops {
    /// Looks for these texts. Empty ones are ignored.
    #[must_use]
    pub fn new(stops: impl IntoIterator<Item = String>) -> Stops {
        Stops { stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(), held: String::new() }
    }

    /// Takes a piece of text, leaves in it what can be shown now, and says whether a stop string is complete. Then the rest is dropped.
    pub fn push(&mut self, text: &mut String) -> bool {
        if self.stops.is_empty() {
            return false;
        }
        self.held.push_str(text);
        text.clear();
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop).map(|start| (start + stop.len(), start))).min();
        let shown = match found {
            Some((_, start)) => start,
            None => self.held.len() - self.started(),
        };
        text.push_str(&self.held[..shown]);
        self.held.drain(..shown);
        if found.is_some() {
            self.held.clear();
        }
        found.is_some()
    }

    /// The text ends: what was held back is no stop string, and is appended.
    pub fn finish(&mut self, text: &mut String) {
        text.push_str(&self.held);
        self.held.clear();
    }

    /// Bytes at the end of the held text that are the start of a stop string, at most.
    fn started(&self) -> usize {
        let longest = self.stops.iter().map(|stop| stop.len() - 1).max().unwrap_or(0).min(self.held.len());
        let tails = (self.held.len() - longest..self.held.len()).filter(|&start| self.held.is_char_boundary(start));
        tails.map(|start| &self.held[start..]).find(|tail| self.stops.iter().any(|stop| stop.starts_with(tail))).map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a text cut into pieces of so many characters.
    fn shown(stops: &[&str], text: &str, size: usize) -> (String, bool) {
        let mut matcher = Stops::new(stops.iter().map(ToString::to_string));
        let mut all = String::new();
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(size) {
            let mut piece: String = piece.iter().collect();
            let stopped = matcher.push(&mut piece);
            all.push_str(&piece);
            assert!(!stops.iter().any(|stop| !stop.is_empty() && all.contains(stop)));
            if stopped {
                return (all, true);
            }
        }
        matcher.finish(&mut all);
        (all, false)
    }

    #[test]
    fn what_is_shown_does_not_depend_on_the_pieces() {
        let cases: [(&[&str], &str, &str, bool); 7] = [
            (&["</s>"], "one</s>two", "one", true),
            (&["</s>"], "one</two</s", "one</two</s", false),
            (&["abc", "b"], "xabc", "xa", true),
            (&["aab"], "aaab", "a", true),
            (&["日本", "\n\n"], "今日\n日本", "今日\n", true),
            (&[], "all", "all", false),
            (&["", "x"], "ax", "a", true),
        ];
        for (stops, text, expected, stopped) in cases {
            for size in 1..=text.len() {
                assert_eq!(shown(stops, text, size), (expected.to_owned(), stopped), "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn only_what_may_be_a_stop_string_is_held_back() {
        let mut matcher = Stops::new(["STOP".to_owned()]);
        let mut text = String::from("go on, S");
        assert!(!matcher.push(&mut text));
        assert_eq!(text, "go on, ");
        text = "o".into();
        assert!(!matcher.push(&mut text));
        assert_eq!(text, "So");
    }
}
