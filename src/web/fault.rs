//! Errors for JavaScript: the code that chooses a class, and what the kind knows as fields of the error.

use serde_json::{Map, Value};
use tegula_gpu::ErrorKind as Gpu;
use tegula_package::ErrorKind as Package;
use tegula_plan::ErrorKind as Library;
use wasm_bindgen::JsValue;

use crate::{Error, ErrorKind, HostError};

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

/// An object of what an error knows. `json!` would write out the same code at every place.
macro_rules! fields {
    ($($name:literal: $value:expr),*) => { object(&[$(($name, Value::from($value.to_owned()))),*]) };
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// What a program can use of an error, by name.
pub(super) fn fields(kind: &ErrorKind) -> Value {
    match kind {
        ErrorKind::Library(library) => match library.kind() {
            Library::UnknownVersion { found, supported } => fields!("found": found, "supported": supported),
            Library::Damaged { section, reason } => fields!("section": section, "reason": reason),
            Library::NotALibrary(reason) => fields!("reason": reason),
            _ => Value::Object(Map::new()),
        },
        ErrorKind::Gpu(gpu) => match gpu.kind() {
            Gpu::NoAdapter { reason } | Gpu::Lost { reason } | Gpu::Refused { reason } => fields!("reason": reason),
            Gpu::DeviceRequest { adapter, reason } => fields!("adapter": adapter, "reason": reason),
            Gpu::Limit { limit, what, needed, available } => {
                fields!("limit": limit, "what": what, "needed": needed, "available": available)
            }
            Gpu::Feature { label, feature } => fields!("kernel": label, "feature": feature),
            Gpu::OutOfMemory { what } => fields!("limit": "memory", "what": what),
            Gpu::Shader { label, message } => fields!("kernel": label, "reason": message),
            _ => Value::Object(Map::new()),
        },
        ErrorKind::Launch { function, reason } => fields!("function": function, "reason": reason),
        ErrorKind::NoEntry { entry } => fields!("entry": entry),
        ErrorKind::MissingParam { name, expected, .. } => fields!("parameter": name, "expected": expected),
        ErrorKind::ParamMismatch { name, expected, found, .. } | ErrorKind::ModelMismatch { name, expected, found, .. } => {
            fields!("parameter": name, "expected": expected, "found": found)
        }
        ErrorKind::Package(package) => match package.kind() {
            Package::Manifest { file, reason } => fields!("file": file, "reason": reason),
            Package::ConfigValue { file, field, value, .. } => fields!("file": file, "key": field, "value": value),
            _ => Value::Object(Map::new()),
        },
        ErrorKind::CorruptShard { shard, expected, found } => fields!("shard": shard, "expected": expected, "found": found),
        ErrorKind::ShardLength { shard, expected, found, expected_md5, found_md5 } => {
            fields!("shard": shard, "expected": expected_md5, "found": found_md5, "expectedBytes": expected, "foundBytes": found)
        }
        ErrorKind::Budget { what, needed, available, .. } => {
            fields!("limit": "memory", "what": what, "needed": needed, "available": available)
        }
        ErrorKind::ContextWindowSizeExceeded { prompt, context } => fields!("prompt": prompt, "context": context),
        ErrorKind::UnknownToken { id, .. } => fields!("field": "prompt", "token": id),
        ErrorKind::EmptyPrompt => fields!("field": "prompt"),
        ErrorKind::FieldRange { field, value, allowed } => fields!("field": field, "value": value, "allowed": allowed),
        ErrorKind::FieldType { field, value, allowed } | ErrorKind::UnsupportedField { field, value, allowed } => {
            fields!("field": field, "value": value, "allowed": allowed)
        }
        ErrorKind::UnknownField { field, .. } => fields!("field": field),
        ErrorKind::MessageOrder { index, .. } | ErrorKind::UnsupportedRole { index, .. } => {
            fields!("field": format!("messages[{index}].role"))
        }
        ErrorKind::UnsupportedContentPart { index, part } => fields!("field": format!("messages[{index}].content"), "part": part),
        ErrorKind::StreamOptions => fields!("field": "stream_options"),
        ErrorKind::ChatTemplate { reason } => fields!("field": "messages", "reason": reason),
        ErrorKind::ChatTemplateLimit { what, most } => fields!("field": "messages", "what": what, "available": most),
        ErrorKind::Tokenizer { reason } | ErrorKind::InvalidRequest { reason } | ErrorKind::LoadOrder { reason } => {
            fields!("reason": reason)
        }
        ErrorKind::NotFinite { position } => fields!("position": position),
        ErrorKind::Host(host) => match host {
            HostError::UnknownModel { name, models } => fields!("model": name, "loaded": models),
            HostError::ModelExists { name } | HostError::Unloaded { name } => fields!("model": name),
            HostError::Crashed { name, reason } => fields!("model": name, "reason": reason),
            HostError::NoRoom { name, needed, available, total, .. } => {
                fields!("limit": "memory", "what": name, "needed": needed, "available": available, "total": total)
            }
        },
        ErrorKind::Busy { slots } => fields!("slots": slots),
        ErrorKind::NoTokenizer | ErrorKind::NoChatTemplate | ErrorKind::Interrupted => Value::Object(Map::new()),
    }
}
