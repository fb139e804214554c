//! From a request to a sequence that waits: what cannot run is refused here.

use super::{Engine, Prompt, Request, RequestId};
use crate::config::ChatConfig;
use crate::engine::sequence::{Sequence, Terms};
use crate::engine::stop::Stops;
use crate::model::forward::Forward;
use crate::text::tokenizer::Tokenizer;
use crate::{ErrorKind, Result};

impl<M: Forward> Engine<M> {
    /// The ids of a prompt.
    ///
    /// # Errors
    /// [`ErrorKind::NoTokenizer`], those of [`Chat::prompt`] and [`Tokenizer::encode`], [`ErrorKind::UnknownToken`].
    pub fn tokenize(&self, prompt: &Prompt) -> Result<Vec<u32>> {
        let tokenizer = || self.tokenizer.as_ref().ok_or(ErrorKind::NoTokenizer);
        let ids = match prompt {
            Prompt::Chat(dialogue) => self.chat.prompt(tokenizer()?, dialogue)?,
            Prompt::Text(text) => tokenizer()?.encode(text, true)?,
            Prompt::Ids(ids) => ids.clone(),
        };
        self.check_ids(&ids)?;
        Ok(ids)
    }

    pub(super) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let vocab_size = self.model.facts().vocab_size;
        match ids.iter().find(|&&id| id >= vocab_size) {
            Some(&id) => Err(ErrorKind::UnknownToken { id, vocab_size }.into()),
            None if ids.is_empty() => Err(ErrorKind::EmptyPrompt.into()),
            None => Ok(()),
        }
    }

    /// Takes a request, to be run by [`Engine::step`].
    ///
    /// # Errors
    /// Those of [`Engine::tokenize`]; [`ErrorKind::ContextWindowSizeExceeded`], [`ErrorKind::FieldRange`].
    pub fn submit(&mut self, request: Request) -> Result<RequestId> {
        request.sampling.check()?;
        if request.max_tokens == Some(0) {
            let (field, value, allowed) = ("max_tokens".into(), "0".into(), "a whole number of 1 or more".into());
            return Err(ErrorKind::FieldRange { field, value, allowed }.into());
        }
        if self.tokenizer.is_none() && !request.stop.is_empty() {
            return Err(ErrorKind::NoTokenizer.into());
        }
        let ids = self.tokenize(&request.prompt)?;
        let context = self.model.capacity();
        if ids.len() as u64 >= u64::from(context) {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: ids.len() as u64, context: u64::from(context) }.into());
        }
        let limit = (context as usize).min(ids.len().saturating_add(request.max_tokens.unwrap_or(context) as usize));
        let mut stop = request.stop;
        let continues = match (&request.prompt, &self.tokenizer) {
            (Prompt::Chat(_), _) => {
                stop.extend(self.config.conv_template.whole().into_iter().flat_map(|template| template.stop_str.as_slice()).cloned());
                false
            }
            (_, Some(tokenizer)) => ids.iter().any(|&id| !tokenizer.is_special(id)),
            (_, None) => true,
        };
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let terms = Terms { sampling: request.sampling, limit, ignore_eos: request.ignore_eos, stops: Stops::new(stop), continues };
        self.waiting.push_back(Sequence::new(id, ids, terms));
        Ok(id)
    }
}

/// The ids that end an answer: those of the package's config, of its conversation template, and the tokenizer's own.
///
/// MLC's templates are shared between models with different vocabularies, so that an id of theirs can be an everyday token of this one (2,
/// `</s>` of Llama 2, is `#` in Qwen's). Such ids are left out where the tokenizer shows them to be text.
pub(super) fn end_ids(tokenizer: Option<&Tokenizer>, config: &ChatConfig) -> Vec<u32> {
    let mut ids = config.eos_token_id.as_slice().to_vec();
    let template = config.conv_template.whole().map_or(&[][..], |template| &template.stop_token_ids);
    ids.extend(template.iter().filter(|&&id| tokenizer.is_none_or(|tokenizer| tokenizer.is_special(id))));
    ids.extend(tokenizer.and_then(Tokenizer::eos));
    ids.sort_unstable();
    ids.dedup();
    ids
}
