//! The keys that requests may have.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// The keys that are taken, as hashes: comparing those tells nobody how much of a key was right.
pub(crate) struct Keys(Vec<[u8; 32]>);

impl Keys {
    pub fn new(keys: &[String]) -> Keys {
        Keys(keys.iter().map(|key| hash(key)).collect())
    }

    /// Whether a request with these headers is answered.
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        match token {
            Some(token) if self.0.contains(&hash(token)) => Ok(()),
            token => Err(Refusal::key(token.is_some())),
        }
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn keys_are_bearer_tokens() {
        let keys = Keys::new(&["one".into(), "two".into()]);
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
        assert!(keys.admit(&with("Bearer one")).is_ok() && keys.admit(&with("bearer two")).is_ok());
        for wrong in ["Bearer three", "Bearer", "Basic one", "one", "Bearer one two"] {
            assert!(keys.admit(&with(wrong)).is_err(), "{wrong}");
        }
        assert!(keys.admit(&HeaderMap::new()).is_err());
        assert!(Keys::new(&[]).admit(&HeaderMap::new()).is_ok());
    }
}
