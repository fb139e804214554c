//! Log probabilities of an answer's tokens.
//!
//! They are of the raw distribution: the softmax of the logits as the model gave them, before bias, penalties and temperature. So they say
//! what the model thinks, however a request draws.

use crate::text::detokenizer::token_bytes;
use crate::text::tokenizer::Tokenizer;

/// What OpenAI writes for a token that is next to impossible. JSON has no infinity.
const LEAST: f32 = -9999.0;

/// How likely a token was, and what else was likely in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprobs {
    /// The token of the answer.
    pub chosen: TokenLogprob,
    /// The likeliest tokens, the likeliest first: as many as the request asked for.
    pub top: Vec<TokenLogprob>,
}

/// A token with its log probability.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogprob {
    /// Its id.
    pub id: u32,
    /// The bytes that it stands for; none without a tokenizer. They may be a part of a character.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability, -9999 at least.
    pub logprob: f32,
}

impl Logprobs {
    /// Those of the token `id` in its place, from the raw logits of all ids that are no padding.
    #[must_use]
    pub(super) fn of(logits: &[f32], id: u32, top: u32, tokenizer: Option<&Tokenizer>) -> Logprobs {
        let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit - greatest).exp()).sum();
        let total = f64::from(greatest) + sum.ln();
        let token = |id: u32| {
            let logit = logits.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
            let logprob = ((f64::from(logit) - total) as f32).max(LEAST);
            TokenLogprob { id, bytes: tokenizer.map_or_else(Vec::new, |tokenizer| token_bytes(tokenizer, id)), logprob }
        };
        Logprobs { chosen: token(id), top: greatest_ids(logits, top as usize).into_iter().map(token).collect() }
    }
}

/// The ids of the greatest logits, the greatest first, equal ones by id. There are few, so each finds its place among those before it.
fn greatest_ids(logits: &[f32], count: usize) -> Vec<u32> {
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(count + 1);
    for (id, &logit) in (0..).zip(logits) {
        if best.len() == count && best.last().is_none_or(|&(least, _)| logit <= least) {
            continue;
        }
        let place = best.partition_point(|&(other, _)| other >= logit);
        best.insert(place, (logit, id));
        best.truncate(count);
    }
    best.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_softmax_of_the_raw_logits() {
        let logits = [1.0, 3.0, f32::NEG_INFINITY, 3.0, 2.0];
        let sum: f32 = [1f32, 3.0, 3.0, 2.0].iter().map(|logit| logit.exp()).sum();
        let found = Logprobs::of(&logits, 4, 3, None);
        assert_eq!(found.top.iter().map(|token| token.id).collect::<Vec<_>>(), [1, 3, 4]);
        for token in found.top.iter().chain([&found.chosen]) {
            let expected = logits[token.id as usize] - sum.ln();
            assert!((token.logprob - expected).abs() < 1e-6, "{token:?}: {expected}");
        }
        assert_eq!(found.chosen, found.top[2]);
        assert_eq!(
            Logprobs::of(&logits, 2, 0, None),
            Logprobs { chosen: TokenLogprob { id: 2, bytes: vec![], logprob: LEAST }, top: vec![] }
        );
    }

    #[test]
    fn more_alternatives_than_ids_are_all_ids() {
        assert_eq!(greatest_ids(&[0.5, 0.5, -1.0], 20), [0, 1, 2]);
        assert_eq!(greatest_ids(&[], 2), Vec::<u32>::new());
    }
}
