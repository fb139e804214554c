/**
 * The interface to the grammar module: the WebAssembly module that holds answers to a schema or grammar. The runtime calls it, so the names
 * here are those of src/grammar/module.rs. The type checker compares these types with those that wasm-bindgen generated (see ../runtime.ts).
 */

/** Follows an answer, token by token. */
export interface WasmMatcher {
  copy(): WasmMatcher;
  take(token: number): boolean;
  /** Sets the bit of each token that may follow, 32 to a word. */
  mask(words: Uint32Array): void;
  /** The bytes that must follow. */
  forced(): Uint8Array;
  mayEnd(): boolean;
  ended(): boolean;
  free(): void;
}

/** The tokens of a model. */
export interface WasmVocabulary {
  /** Compiles a grammar; `kind` is `json`, `lark` or `regex`. Throws the reason as a text. */
  compile(kind: string, text: string): WasmMatcher;
  free(): void;
}

/** The module, instantiated. */
export interface WasmGrammar {
  /** Takes the bytes of all tokens, how many each has, which are no text, and which end an answer. */
  vocabulary(bytes: Uint8Array, lengths: Uint32Array, special: Uint32Array, ends: Uint32Array): WasmVocabulary;
}
