//! What a model computes beyond the shapes of its tensors, so that a library and a package of different
//! models do not meet.
//!
//! A fingerprint is a few facts by name: `norm_eps`, `rope`, `sliding_window` and the like. The compiler
//! works them out of the graph, and so they are the same whichever config the graph came from. They say
//! nothing of how weights are stored or how long a context is. Packages carry them for years: a fact
//! whose text comes to mean something else gets a new name, and a fact that only one side knows is not
//! compared. A package that something else made has none, and then only shapes are compared.

use std::collections::BTreeMap;
use std::fmt::Write;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// Facts about a model, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// States a fact.
    pub fn state(&mut self, name: &str, text: String) {
        self.0.insert(name.into(), text);
    }

    /// What is stated under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether nothing is stated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The facts that both state and that differ: name, what is said here, what is said there.
    pub fn differences<'a>(&'a self, other: &'a Fingerprint) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let pair = |(name, here): (&'a String, &'a String)| Some((name.as_str(), here.as_str(), other.get(name)?));
        self.0.iter().filter_map(pair).filter(|(_, here, there)| here != there)
    }

    /// A few digits that stand for a long text.
    #[must_use]
    pub fn digest(text: &str) -> String {
        let mut digits = String::new();
        for byte in &Md5::digest(text)[..6] {
            write!(digits, "{byte:02x}").expect("strings take everything");
        }
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    fn of(facts: &[(&str, &str)]) -> Fingerprint {
        let mut fingerprint = Fingerprint::default();
        facts.iter().for_each(|(name, text)| fingerprint.state(name, (*text).into()));
        fingerprint
    }

    #[test]
    fn what_both_state_is_compared() {
        let one = of(&[("eps", "1e-5"), ("rope", "a"), ("window", "none")]);
        assert_eq!(one.differences(&one).count(), 0);
        assert_eq!(one.differences(&Fingerprint::default()).count(), 0);
        let two = of(&[("eps", "1e-6"), ("new", "x"), ("rope", "b")]);
        assert_eq!(one.differences(&two).collect::<Vec<_>>(), [("eps", "1e-5", "1e-6"), ("rope", "a", "b")]);
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, r#"{"eps":"1e-5","rope":"a","window":"none"}"#);
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), one);
        assert_eq!(Fingerprint::digest("abc"), "900150983cd2");
    }
}
