//! A grammar, and how far an answer has followed it.

use crate::{Error, ErrorKind, Result};

/// Follows an answer. A clone goes on from the same place by itself.
#[derive(Clone)]
pub struct Matcher {
    inner: llguidance::Matcher,
}

impl Matcher {
    pub(crate) fn new(inner: llguidance::Matcher) -> Matcher {
        Matcher { inner }
    }

    /// Why it cannot be used.
    pub(crate) fn error(&self) -> Option<String> {
        self.inner.get_error().map(|reason| plain(&reason))
    }

    /// Takes the answer's next token if the grammar allows it. Otherwise nothing changes.
    ///
    /// # Errors
    /// [`ErrorKind::Stuck`] where following the grammar takes too much work.
    pub fn take(&mut self, token: u32) -> Result<bool> {
        Ok(self.inner.try_consume_tokens(&[token]).map_err(stuck)? == 1)
    }

    /// Sets the bit of each token that may follow; token `32 * i + j` is bit `j` of word `i`. Tokens that end an answer are among them where
    /// the answer may end.
    ///
    /// # Errors
    /// [`ErrorKind::Stuck`] where nothing may follow, or where working it out takes too long.
    pub fn mask(&mut self, words: &mut [u32]) -> Result<()> {
        let allowed = self.inner.compute_mask_or_eos().map_err(stuck)?;
        words.fill(0);
        for (word, bits) in words.iter_mut().zip(allowed.as_slice()) {
            *word = *bits;
        }
        Ok(())
    }

    /// The bytes that must follow, as far as there is no choice.
    pub fn forced(&mut self) -> Vec<u8> {
        self.inner.compute_ff_bytes()
    }

    /// Whether the answer may end here.
    pub fn may_end(&mut self) -> bool {
        self.ended() || self.inner.is_accepting().unwrap_or(false)
    }

    /// Whether nothing can follow any more.
    #[must_use]
    pub fn ended(&self) -> bool {
        // It also stops where something failed.
        self.inner.is_stopped() && self.inner.stop_reason().is_ok()
    }
}

fn stuck(error: anyhow::Error) -> Error {
    ErrorKind::Stuck { reason: plain(&error.to_string()) }.into()
}

/// A reason of llguidance's without what is for its own makers.
fn plain(reason: &str) -> String {
    match reason.trim_end_matches("<non-verbose/>").trim_end() {
        "NoExtensionBias" => "there is a place where no text keeps to it".into(),
        reason => reason.into(),
    }
}
