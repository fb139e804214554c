//! Errors for JavaScript: the code that chooses a class, and what the kind knows as fields of the error.

use serde_json::{Value, json};
use tegula_gpu::ErrorKind as Gpu;
use tegula_plan::ErrorKind as Library;
use wasm_bindgen::JsValue;

use crate::{Error, ErrorKind};

impl From<Error> for JsValue {
    fn from(error: Error) -> JsValue {
        let object = js_sys::Error::new(&error.to_string());
        let set = |key: &str, value: &JsValue| {
            js_sys::Reflect::set(&object, &key.into(), value).expect("a new object takes properties");
        };
        set("code", &code(&error).into());
        set("fields", &super::js(&fields(error.kind())));
        object.into()
    }
}

/// [`Error::code`], but for libraries of another version, which have a class of their own.
pub(super) fn code(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Library(library) if matches!(library.kind(), Library::UnknownVersion { .. }) => "LibraryVersionError",
        _ => error.code(),
    }
}

/// What a program can use of an error, by name.
pub(super) fn fields(kind: &ErrorKind) -> Value {
    match kind {
        ErrorKind::Library(library) => match library.kind() {
            Library::UnknownVersion { found, supported } => json!({"found": found, "supported": supported}),
            Library::Damaged { section, reason } => json!({"section": section, "reason": reason}),
            Library::NotALibrary(reason) => json!({"reason": reason}),
            _ => json!({}),
        },
        ErrorKind::Gpu(gpu) => match gpu.kind() {
            Gpu::NoAdapter { reason } | Gpu::Lost { reason } | Gpu::Refused { reason } => json!({"reason": reason}),
            Gpu::DeviceRequest { adapter, reason } => json!({"adapter": adapter, "reason": reason}),
            Gpu::Limit { limit, what, needed, available } => {
                json!({"limit": limit, "what": what, "needed": needed, "available": available})
            }
            Gpu::Feature { label, feature } => json!({"kernel": label, "feature": feature}),
            Gpu::OutOfMemory { what } => json!({"limit": "memory", "what": what}),
            Gpu::Shader { label, message } => json!({"kernel": label, "reason": message}),
            _ => json!({}),
        },
        ErrorKind::Launch { function, reason } => json!({"function": function, "reason": reason}),
        ErrorKind::NoEntry { entry } => json!({"entry": entry}),
        ErrorKind::MissingParam { name, expected, .. } => json!({"parameter": name, "expected": expected}),
        ErrorKind::ParamMismatch { name, expected, found, .. } => json!({"parameter": name, "expected": expected, "found": found}),
        ErrorKind::Manifest { file, reason } => json!({"file": file, "reason": reason}),
        ErrorKind::CorruptShard { shard, expected, found } => json!({"shard": shard, "expected": expected, "found": found}),
        ErrorKind::ShardLength { shard, expected, found, expected_md5, found_md5 } => {
            json!({"shard": shard, "expected": expected_md5, "found": found_md5, "expectedBytes": expected, "foundBytes": found})
        }
        ErrorKind::Budget { what, needed, available, .. } => {
            json!({"limit": "memory", "what": what, "needed": needed, "available": available})
        }
        ErrorKind::ConfigValue { file, field, value, .. } => json!({"file": file, "key": field, "value": value}),
        ErrorKind::ContextWindowSizeExceeded { prompt, context } => json!({"prompt": prompt, "context": context}),
        ErrorKind::UnknownToken { id, .. } => json!({"field": "prompt", "token": id}),
        ErrorKind::EmptyPrompt => json!({"field": "prompt"}),
        ErrorKind::FieldRange { field, value, allowed } => json!({"field": field, "value": value, "allowed": allowed}),
        ErrorKind::FieldType { field, value, allowed } | ErrorKind::UnsupportedField { field, value, allowed } => {
            json!({"field": field, "value": value, "allowed": allowed})
        }
        ErrorKind::UnknownField { field, .. } => json!({"field": field}),
        ErrorKind::MessageOrder { index, .. } | ErrorKind::UnsupportedRole { index, .. } => {
            json!({"field": format!("messages[{index}].role")})
        }
        ErrorKind::UnsupportedContentPart { index, part } => json!({"field": format!("messages[{index}].content"), "part": part}),
        ErrorKind::StreamOptions => json!({"field": "stream_options"}),
        ErrorKind::ChatTemplate { reason } => json!({"field": "messages", "reason": reason}),
        ErrorKind::Tokenizer { reason } | ErrorKind::InvalidRequest { reason } | ErrorKind::LoadOrder { reason } => {
            json!({"reason": reason})
        }
        ErrorKind::NotFinite { position } => json!({"position": position}),
        ErrorKind::Busy { slots } => json!({"slots": slots}),
        ErrorKind::NoTokenizer | ErrorKind::NoChatTemplate | ErrorKind::Interrupted => json!({}),
    }
}
