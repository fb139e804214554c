//! A folder in which the program runs, with a random model.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::checkpoint;

/// A folder with a random model in `source` and what the tests make of it.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new(architecture: &str) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let config = checkpoint::config(architecture);
        checkpoint::write(&folder.path().join("source"), &config, &checkpoint::weights(&config)).unwrap();
        Folder { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `tegula` in the folder, with a cache of its own, and without what a desktop sets.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tegula"));
        command.args(args).current_dir(self.folder.path()).env("RUST_BACKTRACE", "1").env("XDG_CACHE_HOME", self.path("cache"));
        command.env_remove("XDG_RUNTIME_DIR").stdin(Stdio::null());
        command
    }

    /// Runs it.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it, expects success, and gives stdout.
    pub fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it, expects exit code 1 and nothing on stdout, and gives stderr.
    pub fn fail(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{args:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.lines().any(|line| line.starts_with("error: ")) && !error.contains("stack backtrace"), "{error}");
        error
    }

    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(args)).unwrap()
    }

    pub fn edit(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let mut value: Value = serde_json::from_slice(&fs::read(self.path(file)).unwrap()).unwrap();
        change(&mut value);
        fs::write(self.path(file), value.to_string()).unwrap();
    }
}

/// A package in `package`.
pub fn package(quantization: &str) -> Folder {
    let folder = Folder::new("llama");
    folder.succeed(&["convert", "source", "-o", "package", "--quantization", quantization]);
    folder
}

/// Whether there is a GPU, which is said where there is none.
pub fn has_device(folder: &Folder) -> bool {
    let found = !folder.json(&["devices", "--json"]).as_array().unwrap().is_empty();
    if !found {
        eprintln!("skipped: no GPU adapter");
    }
    found
}
