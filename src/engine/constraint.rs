//! An answer that keeps to a grammar.
//!
//! The GPU picks freely and the engine runs ahead, as for any other answer. Each pick is then held against the grammar, which is quick. If
//! it is refused, the row is computed again, its logits are read, and the token is drawn once more among those that are allowed. What comes
//! of it is exactly the distribution among the allowed ones: with `p` the free probabilities and `a` their sum over the allowed tokens, a
//! token is taken with `p + (1 - a) · p / a = p / a`.
//!
//! A model that strays often gains nothing from that. Then logits are read at each step, and the mask of allowed tokens is worked out while
//! the GPU runs. Which way is taken depends on the answer alone, and so does what comes of it.

use crate::grammar::Matcher;
use crate::text::inside::encode_inside;
use crate::text::tokenizer::Tokenizer;
use crate::{Error, ErrorKind, Result};

/// What an answer must keep to, and how far it has.
pub(crate) struct Constraint {
    /// The field of the request that asked for it.
    field: &'static str,
    matcher: Box<dyn Matcher>,
    /// A bit for each token that may be next, once it is worked out; else empty.
    mask: Vec<u32>,
    /// Ids from here on are padding.
    active: u32,
    /// Whether each of the last picks was refused, the last one in the lowest bit.
    refused: u8,
}

impl Constraint {
    /// With more refusals among the last eight picks, picking freely is not worth it.
    const FEW: u32 = 2;

    /// Tokens that are forced together are put into the answer at once if there are so many. What runs ahead is lost for it, and mostly right.
    const FORCED: usize = 8;

    pub(crate) fn new(field: &'static str, matcher: Box<dyn Matcher>, active: u32) -> Constraint {
        Constraint { field, matcher, mask: Vec::new(), active, refused: 0 }
    }

    fn failed(&self, reason: String) -> Error {
        ErrorKind::Grammar { field: self.field, reason }.into()
    }

    /// Whether free picks are refused so often that they are not worth while.
    pub(crate) fn strays(&self) -> bool {
        self.refused.count_ones() > Self::FEW
    }

    /// Notes whether a free pick was refused.
    pub(crate) fn note(&mut self, refused: bool) {
        self.refused = self.refused << 1 | u8::from(refused);
    }

    /// Takes the next token if it is allowed. `ends` says that it ends the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] where following the grammar is too much work.
    pub(crate) fn take(&mut self, id: u32, ends: bool) -> Result<bool> {
        let taken = if ends { self.matcher.may_end() } else { self.matcher.take(id).map_err(|reason| self.failed(reason))? };
        if taken {
            self.mask.clear();
        }
        Ok(taken)
    }

    /// Works out which tokens may be next, if that is not known.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] where it is too much work.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        if self.mask.is_empty() {
            let mut mask = vec![0; self.active.div_ceil(32) as usize];
            self.matcher.mask(&mut mask).map_err(|reason| self.failed(reason))?;
            self.mask = mask;
        }
        Ok(())
    }

    /// Leaves only the logits of tokens that may be next.
    ///
    /// # Errors
    /// Those of [`Constraint::prepare`].
    pub(crate) fn apply(&mut self, logits: &mut [f32]) -> Result<()> {
        self.prepare()?;
        for (word, logits) in self.mask.iter().zip(logits.chunks_mut(32)) {
            for (bit, logit) in logits.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing can follow any more.
    pub(crate) fn ended(&self) -> bool {
        self.matcher.ended()
    }

    /// Takes the tokens that must be next, where they are so many that it pays. The last one is left: what follows might change it.
    ///
    /// # Errors
    /// Those of [`Constraint::take`] and [`Tokenizer::encode`].
    pub(crate) fn force(&mut self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        let least = if self.strays() { 1 } else { Self::FORCED };
        let bytes = self.matcher.forced();
        if bytes.len() <= least {
            return Ok(Vec::new());
        }
        // What is cut within a character is left to the model.
        let whole = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let text = std::str::from_utf8(&bytes[..whole]).unwrap_or_default();
        let Some(mut ids) = encode_inside(tokenizer, text)? else { return Ok(Vec::new()) };
        ids.pop();
        if ids.len() < least {
            return Ok(Vec::new());
        }
        let mut taken = Vec::with_capacity(ids.len());
        for id in ids {
            if !self.take(id, false)? {
                break;
            }
            taken.push(id);
        }
        Ok(taken)
    }
}
