//! The crate `tegula-grammar` in a page: a WebAssembly module of its own, which the npm package loads when a request first needs it.
//!
//! A call that throws something else than a text has panicked. Then the module is of no use any more, and the request fails.

use wasm_bindgen::prelude::*;

use super::{Grammar, Kind, Matcher, Tokens, Vocabulary};

#[wasm_bindgen]
extern "C" {
    /// The module, as `js/wasm/grammar.ts` gives it.
    #[wasm_bindgen(typescript_type = "WasmGrammar")]
    pub type GrammarModule;
    #[wasm_bindgen(method, catch)]
    fn vocabulary(this: &GrammarModule, bytes: &[u8], lengths: &[u32], special: &[u32], ends: &[u32]) -> Result<JsVocabulary, JsValue>;

    type JsVocabulary;
    #[wasm_bindgen(method, catch)]
    fn compile(this: &JsVocabulary, kind: &str, text: &str) -> Result<JsMatcher, JsValue>;
    #[wasm_bindgen(method)]
    fn free(this: &JsVocabulary);

    type JsMatcher;
    #[wasm_bindgen(method, catch)]
    fn copy(this: &JsMatcher) -> Result<JsMatcher, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn take(this: &JsMatcher, token: u32) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn mask(this: &JsMatcher, words: &mut [u32]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn forced(this: &JsMatcher) -> Result<Vec<u8>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = mayEnd)]
    fn may_end(this: &JsMatcher) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn ended(this: &JsMatcher) -> Result<bool, JsValue>;
    #[wasm_bindgen(method)]
    fn free(this: &JsMatcher);
}

fn told(error: JsValue) -> String {
    error.as_string().unwrap_or_else(|| format!("the grammar module failed: {}", String::from(js_sys::Error::from(error).message())))
}

/// Makes a vocabulary.
pub(crate) fn vocabulary(module: &GrammarModule, tokens: &Tokens) -> Result<Box<dyn Vocabulary>, String> {
    let made = module.vocabulary(&tokens.bytes, &tokens.lengths, &tokens.special, &tokens.ends);
    Ok(Box::new(Module(made.map_err(told)?)))
}

struct Module(JsVocabulary);

impl Vocabulary for Module {
    fn compile(&self, grammar: &Grammar) -> Result<Box<dyn Matcher>, String> {
        let kind = match grammar.kind {
            Kind::Json => "json",
            Kind::Lark => "lark",
            Kind::Regex => "regex",
        };
        Ok(Box::new(Follower(self.0.compile(kind, &grammar.text).map_err(told)?)))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        self.0.free();
    }
}

struct Follower(JsMatcher);

impl Matcher for Follower {
    fn take(&mut self, token: u32) -> Result<bool, String> {
        self.0.take(token).map_err(told)
    }

    fn mask(&mut self, words: &mut [u32]) -> Result<(), String> {
        self.0.mask(words).map_err(told)
    }

    fn forced(&mut self) -> Vec<u8> {
        // Where it failed, the next token says so.
        self.0.forced().unwrap_or_default()
    }

    fn may_end(&mut self) -> bool {
        self.0.may_end().unwrap_or(false)
    }

    fn ended(&self) -> bool {
        self.0.ended().unwrap_or(false)
    }

    fn copy(&self) -> Result<Box<dyn Matcher>, String> {
        Ok(Box::new(Follower(self.0.copy().map_err(told)?)))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.free();
    }
}
