//! What programs are told of an error: a code, the class of the npm package, and fields.
//!
//! Codes are stable names. Where WebLLM has a class for the same mistake, the code is its name. The
//! JavaScript package has no list of codes: it makes an instance of the class that is named here.

use serde_json::{Map, Value};
use tegula_gpu::ErrorKind as Gpu;
use tegula_package::ErrorKind as Package;
use tegula_plan::ErrorKind as Library;

use super::{ErrorKind, HostError};

/// What a program can use of an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// A stable name for the kind.
    pub code: &'static str,
    /// The class that pages see.
    pub class: Class,
    /// What the kind knows, by name. These become properties of the error in JavaScript.
    pub fields: Map<String, Value>,
}

/// The classes of `js/api/errors.ts` that the runtime raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The prompt does not fit the context.
    ContextWindowSizeExceeded,
    /// A shard is not what the manifest says.
    CorruptShard,
    /// The GPU failed in a way that is not a limit.
    Device,
    /// The GPU went away.
    DeviceLost,
    /// The model is not loaded, or no longer.
    EngineNotLoaded,
    /// A fault of this package.
    Internal,
    /// The file is no model library, or a damaged one.
    InvalidLibrary,
    /// A file of the package does not say what it must.
    InvalidPackage,
    /// The request cannot be served as it is.
    InvalidRequest,
    /// The library was compiled for other parameters.
    LibraryMismatch,
    /// The library has another format version.
    LibraryVersion,
    /// A limit of the device, or the memory, is too small.
    Limit,
    /// There is no GPU.
    WebGpuNotAvailable,
}

impl Class {
    /// The name of the class in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::ContextWindowSizeExceeded => "ContextWindowSizeExceededError",
            Class::CorruptShard => "CorruptShardError",
            Class::Device => "DeviceError",
            Class::DeviceLost => "DeviceLostError",
            Class::EngineNotLoaded => "EngineNotLoadedError",
            Class::Internal => "InternalError",
            Class::InvalidLibrary => "InvalidLibraryError",
            Class::InvalidPackage => "InvalidPackageError",
            Class::InvalidRequest => "InvalidRequestError",
            Class::LibraryMismatch => "LibraryMismatchError",
            Class::LibraryVersion => "LibraryVersionError",
            Class::Limit => "LimitError",
            Class::WebGpuNotAvailable => "WebGPUNotAvailableError",
        }
    }
}

/// Facts of this code and class. One function makes them all: a macro that wrote out the map at
/// every place would be much larger code.
fn facts(code: &'static str, class: Class, fields: &[(&str, Value)]) -> Facts {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Facts { code, class, fields }
}

/// The fields of an error, by name.
macro_rules! fields {
    ($($name:literal: $value:expr),* $(,)?) => { &[$(($name, Value::from($value.to_owned()))),*] };
}

/// The facts of every kind.
pub(super) fn of(kind: &ErrorKind) -> Facts {
    use ErrorKind as Kind;
    match kind {
        Kind::Library(error) => library(error.kind()),
        Kind::Gpu(error) => gpu(error.kind()),
        Kind::Launch { function, reason } => facts("LaunchError", Class::InvalidLibrary, fields!("function": function, "reason": reason)),
        Kind::NoEntry { entry } => facts("MissingEntryError", Class::InvalidLibrary, fields!("entry": entry)),
        Kind::MissingParam { name, expected, .. } => {
            facts("ParameterMismatchError", Class::LibraryMismatch, fields!("parameter": name, "expected": expected))
        }
        Kind::ParamMismatch { name, expected, found, .. } | Kind::ModelMismatch { name, expected, found, .. } => {
            let fields: &[_] = fields!("parameter": name, "expected": expected, "found": found);
            facts("ParameterMismatchError", Class::LibraryMismatch, fields)
        }
        Kind::Precision => facts("PrecisionError", Class::LibraryMismatch, fields!("option": "precision")),
        Kind::Package(error) => package(error.kind()),
        Kind::CorruptShard { shard, expected, found } => {
            let fields: &[_] = fields!("shard": shard, "expected": expected, "found": found);
            facts("IntegrityError", Class::CorruptShard, fields)
        }
        Kind::ShardLength { shard, expected, found, expected_md5, found_md5 } => {
            let fields: &[_] = fields!(
                "shard": shard, "expected": expected_md5, "found": found_md5,
                "expectedBytes": expected, "foundBytes": found,
            );
            facts("IntegrityError", Class::CorruptShard, fields)
        }
        Kind::LoadOrder { reason } => facts("LoadOrderError", Class::Internal, fields!("reason": reason)),
        Kind::Budget { what, needed, available, .. } => {
            let fields: &[_] = fields!("limit": "memory", "what": what, "needed": needed, "available": available);
            facts("MemoryBudgetError", Class::Limit, fields)
        }
        Kind::ContextWindowSizeExceeded { prompt, context } => {
            let class = Class::ContextWindowSizeExceeded;
            facts("ContextWindowSizeExceededError", class, fields!("prompt": prompt, "context": context))
        }
        Kind::EmptyPrompt => facts("EmptyPromptError", Class::InvalidRequest, fields!("field": "prompt")),
        Kind::UnknownToken { id, .. } => facts("UnknownTokenError", Class::InvalidRequest, fields!("field": "prompt", "token": id)),
        Kind::InvalidRequest { reason } => facts("InvalidRequestError", Class::InvalidRequest, fields!("reason": reason)),
        Kind::FieldType { field, value, allowed } => {
            let fields: &[_] = fields!("field": field, "value": value, "allowed": allowed);
            facts("InvalidRequestError", Class::InvalidRequest, fields)
        }
        Kind::FieldRange { field, value, allowed } => {
            let fields: &[_] = fields!("field": field, "value": value, "allowed": allowed);
            facts("RangeError", Class::InvalidRequest, fields)
        }
        Kind::UnsupportedField { field, value, allowed } => {
            let fields: &[_] = fields!("field": field, "value": value, "allowed": allowed);
            facts("UnsupportedFieldsError", Class::InvalidRequest, fields)
        }
        Kind::UnknownField { field, .. } => facts("UnsupportedFieldsError", Class::InvalidRequest, fields!("field": field)),
        Kind::Grammar { field, reason } => facts("InvalidGrammarError", Class::InvalidRequest, fields!("field": field, "reason": reason)),
        Kind::MessageOrder { index, .. } => {
            let field = format!("messages[{index}].role");
            facts("MessageOrderError", Class::InvalidRequest, fields!("field": field))
        }
        Kind::UnsupportedRole { index, .. } => {
            let field = format!("messages[{index}].role");
            facts("UnsupportedRoleError", Class::InvalidRequest, fields!("field": field))
        }
        Kind::UnsupportedContentPart { index, part } => {
            let field = format!("messages[{index}].content");
            facts("UnsupportedContentPartError", Class::InvalidRequest, fields!("field": field, "part": part))
        }
        Kind::StreamOptions => facts("InvalidStreamOptionsError", Class::InvalidRequest, fields!("field": "stream_options")),
        Kind::NoTokenizer => facts("UnsupportedTokenizerFilesError", Class::InvalidPackage, &[]),
        Kind::Tokenizer { reason } => facts("TokenizerError", Class::InvalidPackage, fields!("reason": reason)),
        Kind::NoChatTemplate => facts("NoChatTemplateError", Class::InvalidPackage, &[]),
        Kind::ChatTemplate { reason } => facts("ChatTemplateError", Class::InvalidRequest, fields!("field": "messages", "reason": reason)),
        Kind::ChatTemplateLimit { what, most } => {
            let fields: &[_] = fields!("field": "messages", "what": what, "available": most);
            facts("ChatTemplateLimitError", Class::InvalidRequest, fields)
        }
        Kind::NotFinite { position } => facts("NotFiniteError", Class::InvalidPackage, fields!("position": position)),
        Kind::Host(error) => host(error),
        Kind::Busy { slots } => facts("EngineBusyError", Class::InvalidRequest, fields!("slots": slots)),
        Kind::Interrupted => facts("InterruptedError", Class::Internal, &[]),
    }
}

fn library(kind: &Library) -> Facts {
    let class = Class::InvalidLibrary;
    match kind {
        Library::UnknownVersion { found, supported } => {
            let fields: &[_] = fields!("found": found, "supported": supported);
            facts("LibraryVersionError", Class::LibraryVersion, fields)
        }
        Library::Damaged { section, reason } => facts("ModelLibraryError", class, fields!("section": section, "reason": reason)),
        Library::NotALibrary(reason) => facts("ModelLibraryError", class, fields!("reason": reason)),
        _ => facts("ModelLibraryError", class, &[]),
    }
}

fn package(kind: &Package) -> Facts {
    let (code, class) = ("ArtifactManifestError", Class::InvalidPackage);
    match kind {
        Package::Manifest { file, reason } => facts(code, class, fields!("file": file, "reason": reason)),
        Package::ConfigValue { file, field, value, .. } => {
            facts("ConfigValueError", class, fields!("file": file, "key": field, "value": value))
        }
        _ => facts(code, class, &[]),
    }
}

fn host(error: &HostError) -> Facts {
    match error {
        HostError::UnknownModel { name, models } => {
            facts("ModelNotLoadedError", Class::EngineNotLoaded, fields!("model": name, "loaded": models))
        }
        HostError::Unloaded { name } => facts("ModelNotLoadedError", Class::EngineNotLoaded, fields!("model": name)),
        HostError::ModelExists { name } => facts("ModelNameTakenError", Class::InvalidRequest, fields!("model": name)),
        HostError::Crashed { name, reason } => facts("EngineCrashedError", Class::Internal, fields!("model": name, "reason": reason)),
        HostError::NoRoom { name, needed, available, total, .. } => {
            let fields: &[_] = fields!(
                "limit": "memory", "what": name,
                "needed": needed, "available": available, "total": total,
            );
            facts("MemoryBudgetError", Class::Limit, fields)
        }
    }
}

fn gpu(kind: &Gpu) -> Facts {
    match kind {
        Gpu::NoAdapter { reason } => facts("WebGPUNotAvailableError", Class::WebGpuNotAvailable, fields!("reason": reason)),
        Gpu::DeviceRequest { adapter, reason } => {
            let fields: &[_] = fields!("adapter": adapter, "reason": reason);
            facts("WebGPUNotFoundError", Class::WebGpuNotAvailable, fields)
        }
        Gpu::Feature { label, feature } => facts("FeatureSupportError", Class::Device, fields!("kernel": label, "feature": feature)),
        Gpu::Limit { limit, what, needed, available } => {
            let fields: &[_] = fields!("limit": limit, "what": what, "needed": needed, "available": available);
            facts("DeviceLimitError", Class::Limit, fields)
        }
        Gpu::OutOfMemory { what } => facts("OutOfMemoryError", Class::Limit, fields!("limit": "memory", "what": what)),
        Gpu::Lost { reason } => facts("DeviceLostError", Class::DeviceLost, fields!("reason": reason)),
        Gpu::Refused { reason } => facts("GpuError", Class::Device, fields!("reason": reason)),
        Gpu::Shader { label, message } => facts("GpuError", Class::Device, fields!("kernel": label, "reason": message)),
        _ => facts("GpuError", Class::Device, &[]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Error, ErrorKind, HostError};

    #[test]
    fn programs_are_told_of_files_and_of_the_host() {
        let facts = |error: Error| {
            let facts = error.facts();
            (facts.code, facts.class.name(), Value::Object(facts.fields))
        };
        let manifest = tegula_package::ErrorKind::Manifest { file: "f".into(), reason: "r".into() };
        let expected = ("ArtifactManifestError", "InvalidPackageError", json!({"file": "f", "reason": "r"}));
        assert_eq!(facts(ErrorKind::from(manifest).into()), expected);
        let error = tegula_package::mlc::ChatConfig::parse(r#"{"temperature": -1}"#).unwrap_err();
        let (code, class, fields) = facts(error.into());
        assert_eq!((code, class, &fields["key"]), ("ConfigValueError", "InvalidPackageError", &json!("temperature")));
        let mismatch = ErrorKind::ModelMismatch { name: "rope".into(), expected: "1".into(), found: "2".into(), more: String::new() };
        let expected = ("ParameterMismatchError", "LibraryMismatchError", json!({"parameter": "rope", "expected": "1", "found": "2"}));
        assert_eq!(facts(mismatch.into()), expected);
        let no_room = HostError::NoRoom { name: "m".into(), needed: 3, available: 2, total: 4, models: Vec::new() };
        let fields = json!({"limit": "memory", "what": "m", "needed": 3, "available": 2, "total": 4});
        assert_eq!(facts(ErrorKind::Host(no_room).into()), ("MemoryBudgetError", "LimitError", fields));
        let unknown = HostError::UnknownModel { name: "x".into(), models: vec!["m".into()] };
        let expected = ("ModelNotLoadedError", "EngineNotLoadedError", json!({"model": "x", "loaded": ["m"]}));
        assert_eq!(facts(ErrorKind::Host(unknown).into()), expected);
        let taken = HostError::ModelExists { name: "m".into() };
        assert_eq!(facts(ErrorKind::Host(taken).into()), ("ModelNameTakenError", "InvalidRequestError", json!({"model": "m"})));
        let crashed = HostError::Crashed { name: "m".into(), reason: "r".into() };
        let expected = ("EngineCrashedError", "InternalError", json!({"model": "m", "reason": "r"}));
        assert_eq!(facts(ErrorKind::Host(crashed).into()), expected);
    }
}
