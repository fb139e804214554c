//! The tokenizers library without its offsets.
//!
//! It keeps where in the original text each byte comes from, and a piece that comes from nowhere
//! breaks it: what `Replace` writes at the start of a text has no width there, so that `ByteLevel`
//! then doubles that piece, or panics. Nobody asks for those offsets here, except where spelled
//! tokens are looked for. So after every step the text at hand becomes the original.

use serde::{Deserialize, Serialize};
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::tokenizer::normalizer::Range;
use tokenizers::{
    DecoderWrapper, ModelWrapper, NormalizedString, Normalizer, PostProcessorWrapper, PreTokenizedString, PreTokenizer, Result,
    TokenizerImpl,
};

/// The library's tokenizer, with steps that forget offsets.
pub(super) type Model =
    TokenizerImpl<ModelWrapper, Plain<NormalizerWrapper>, Plain<PreTokenizerWrapper>, PostProcessorWrapper, DecoderWrapper>;

/// A step that forgets where its text came from.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Plain<T>(pub(super) T);

impl Normalizer for Plain<NormalizerWrapper> {
    fn normalize(&self, text: &mut NormalizedString) -> Result<()> {
        normalize(&self.0, text)
    }
}

fn normalize(step: &NormalizerWrapper, text: &mut NormalizedString) -> Result<()> {
    if let NormalizerWrapper::Sequence(steps) = step {
        return steps.as_ref().iter().try_for_each(|step| normalize(step, text));
    }
    step.normalize(text)?;
    forget(text);
    Ok(())
}

impl PreTokenizer for Plain<PreTokenizerWrapper> {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> Result<()> {
        pre_tokenize(&self.0, text)
    }
}

fn pre_tokenize(step: &PreTokenizerWrapper, text: &mut PreTokenizedString) -> Result<()> {
    if let PreTokenizerWrapper::Sequence(steps) = step {
        return steps.as_ref().iter().try_for_each(|step| pre_tokenize(step, text));
    }
    step.pre_tokenize(text)?;
    text.normalize(|piece| {
        forget(piece);
        Ok(())
    })
}

/// Makes a text its own original, which still begins at zero or does not: `Metaspace` asks for that.
fn forget(text: &mut NormalizedString) {
    if text.offsets_original().0 == 0 || text.is_empty() {
        *text = NormalizedString::from(text.get());
        return;
    }
    let behind_another = NormalizedString::from(format!("-{}", text.get()));
    *text = behind_another.slice(Range::Normalized(1..)).expect("the first character is one byte");
}
