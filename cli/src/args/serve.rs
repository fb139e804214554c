//! The arguments of `tegula serve`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{DeviceFlags, LibraryFlags, Model, Precision, value};

/// Sequences that are decoded together, unless said otherwise.
const PARALLEL: u32 = 8;

/// `tegula serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula serve ./Qwen3-0.6B
  tegula serve small=./Qwen3-0.6B large=./llama-8b --port 9000
  tegula serve ./Qwen3-0.6B --host 0.0.0.0 --api-key \"$KEY\"
  tegula serve ./Qwen3-0.6B --cors http://localhost:3000

http://127.0.0.1:8080/ is a page to chat in. Clients of OpenAI's API take
http://127.0.0.1:8080/v1 as their base URL. The addresses are
/v1/chat/completions, /v1/completions, /v1/models, /health and /metrics.
TEGULA_API_KEY holds a key as --api-key does. Ctrl-C finishes what runs and
ends; a second one ends at once. RUST_LOG=info logs each request.")]
pub struct Serve {
    /// Folders as for `tegula run`. NAME=FOLDER says what requests call the model [default: the folder's name].
    #[arg(value_name = "MODEL", required = true, value_parser = value::text)]
    pub models: Vec<String>,
    /// Address to listen on. Others than this machine need a key.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = "Server")]
    pub host: IpAddr,
    /// Port to listen on; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080, help_heading = "Server")]
    pub port: u16,
    /// A key that requests must have; several may be given [default: TEGULA_API_KEY, if it is set].
    #[arg(long, value_name = "KEY", help_heading = "Server")]
    pub api_key: Vec<String>,
    /// Answer other machines without a key.
    #[arg(long, help_heading = "Server")]
    pub allow_anonymous: bool,
    /// An origin whose pages may call, or * for all; several may be given.
    #[arg(long, value_name = "ORIGIN", help_heading = "Server")]
    pub cors: Vec<String>,
    /// Serve the API only, and no page to chat in.
    #[arg(long, help_heading = "Server")]
    pub no_page: bool,
    /// The most requests that are answered or wait for it; more are told to come back.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = value::count, help_heading = "Server")]
    pub max_requests: u32,
    /// The most bytes of a request.
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20, value_parser = value::count, help_heading = "Server")]
    pub max_body: u32,
    /// Sequences that are decoded together, of each model [default: 8].
    #[arg(long, value_name = "N", conflicts_with = "max_batch_size", value_parser = value::few, help_heading = "Server")]
    pub parallel: Option<u32>,
    /// How to store the weights of a Hugging Face folder [default: q4f16_1].
    #[arg(long, value_name = "NAME", value_parser = value::quantization(), help_heading = "Model")]
    pub quantization: Option<String>,
    /// f32 computes in 32 bits only, so that a seed draws the same on all devices; slower [default: auto].
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true, help_heading = "Model")]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub flags: LibraryFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
}

impl Serve {
    /// The models, each with its name.
    pub fn models(&self) -> impl Iterator<Item = (String, Model)> {
        let flags = LibraryFlags { max_batch_size: self.parallel.or(self.flags.max_batch_size).or(Some(PARALLEL)), ..self.flags.clone() };
        self.models.iter().map(move |given| {
            let (name, package) = named(given);
            let Serve { quantization, precision, device, .. } = self;
            let (quantization, precision, device) = (quantization.clone(), *precision, device.clone());
            (name, Model { package, quantization, library: None, trust_library: false, precision, flags: flags.clone(), device })
        })
    }
}

/// What a model is called, and its folder. A folder may have an equals sign in its own name.
fn named(given: &str) -> (String, PathBuf) {
    match given.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !Path::new(given).exists() => (name.to_owned(), folder.into()),
        _ => {
            let folder = PathBuf::from(given);
            let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            let name = whole.file_name().map_or_else(|| given.to_owned(), |name| name.to_string_lossy().into_owned());
            (name, folder)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn models_are_called_as_their_folders_are_or_as_is_said() {
        assert_eq!(named("small=./models/a"), ("small".into(), "./models/a".into()));
        assert_eq!(named("./models/a").0, "a");
        assert_eq!(named("./models/a/").0, "a");
        assert_eq!(named("=x").0, "=x");
        let folder = tempfile::tempdir().expect("a folder for tests");
        let odd = folder.path().join("a=b");
        std::fs::create_dir(&odd).expect("it can be made");
        assert_eq!(named(odd.to_str().expect("a plain path")), ("a=b".into(), odd));
    }
}
