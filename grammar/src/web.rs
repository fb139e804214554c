//! The module as JavaScript sees it. `js/wasm/grammar.ts` has the types that it expects here.

use wasm_bindgen::prelude::*;

use crate::{Kind, Matcher, Vocabulary};

/// The tokens of a model.
#[wasm_bindgen(js_name = Vocabulary)]
pub struct WebVocabulary(Vocabulary);

/// Follows an answer.
#[wasm_bindgen(js_name = Matcher)]
pub struct WebMatcher(Matcher);

fn failed(error: crate::Error) -> JsValue {
    error.to_string().into()
}

#[wasm_bindgen(js_class = Vocabulary)]
impl WebVocabulary {
    /// See [`Vocabulary::new`].
    ///
    /// # Errors
    /// The reason as a text.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8], lengths: &[u32], special: &[u32], ends: &[u32]) -> Result<WebVocabulary, JsValue> {
        Vocabulary::new(bytes, lengths, special, ends).map(WebVocabulary).map_err(failed)
    }

    /// See [`Vocabulary::compile`]; `kind` is `json`, `lark` or `regex`.
    ///
    /// # Errors
    /// The reason as a text.
    pub fn compile(&self, kind: &str, text: &str) -> Result<WebMatcher, JsValue> {
        let kind = match kind {
            "json" => Kind::Json,
            "regex" => Kind::Regex,
            _ => Kind::Lark,
        };
        self.0.compile(kind, text).map(WebMatcher).map_err(failed)
    }
}

#[wasm_bindgen(js_class = Matcher)]
impl WebMatcher {
    /// One that goes on from the same place by itself.
    #[must_use]
    pub fn copy(&self) -> WebMatcher {
        WebMatcher(self.0.clone())
    }

    /// See [`Matcher::take`].
    ///
    /// # Errors
    /// The reason as a text.
    pub fn take(&mut self, token: u32) -> Result<bool, JsValue> {
        self.0.take(token).map_err(failed)
    }

    /// See [`Matcher::mask`].
    ///
    /// # Errors
    /// The reason as a text.
    pub fn mask(&mut self, words: &mut [u32]) -> Result<(), JsValue> {
        self.0.mask(words).map_err(failed)
    }

    /// See [`Matcher::forced`].
    #[must_use]
    pub fn forced(&mut self) -> Vec<u8> {
        self.0.forced()
    }

    /// See [`Matcher::may_end`].
    #[must_use]
    #[wasm_bindgen(js_name = mayEnd)]
    pub fn may_end(&mut self) -> bool {
        self.0.may_end()
    }

    /// See [`Matcher::ended`].
    #[must_use]
    pub fn ended(&self) -> bool {
        self.0.ended()
    }
}
