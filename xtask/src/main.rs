//! The project's chores, run as `cargo xtask NAME`.
//!
//! Rust rather than shell, so that they run wherever the project builds, and a crate rather than a build script, so that nobody who only
//! uses Tegula compiles them.

#[path = "../../tests/checkpoint.rs"]
mod checkpoint;
mod circles;
mod fixture;
mod invariants;
mod licences;
mod manifest;
mod models;
mod size;
mod source;
mod tidy;
mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the npm package and the demo: the runtime as WebAssembly, then the TypeScript around it.
    Web {
        /// Without optimisation, for tests.
        #[arg(long)]
        dev: bool,
    },
    /// Rewrite the golden files and inline snapshots from what the code does now, and show what changed.
    Bless,
    /// Print how large everything is: lines and dependencies of each crate, bytes of what is shipped.
    Size,
    /// Write the licences of the crates inside the runtime's module to a file.
    Licences {
        /// The file.
        output: PathBuf,
    },
    /// Write the table of models in docs/models.md and the list of them in README.md from the architectures that the compiler knows.
    Models,
    /// Check what rustfmt and clippy do not: module heads, file lengths, forbidden words, dependencies, invariants, the list of models.
    Tidy,
    /// Write a small Hugging Face model with random weights, for places without a trained one.
    Fixture {
        /// The folder.
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    // Not by returning the error: that would print a backtrace of this program, which is not what went wrong.
    match perform(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: Chore) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    match chore {
        Chore::Web { dev } => web::build(root, dev),
        Chore::Bless => bless(root),
        Chore::Size => size::print(root),
        Chore::Licences { output } => licences::write(root, &output),
        Chore::Models => models::write(root),
        Chore::Tidy => tidy::check(root),
        Chore::Fixture { output } => fixture::write(&output),
    }
}

/// Runs every test with the switches that make snapshots rewrite themselves: `expect-test` reads `UPDATE_EXPECT`, our golden files `BLESS`.
fn bless(root: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    run(cargo.args(["test", "--workspace", "--no-fail-fast"]).envs([("UPDATE_EXPECT", "1"), ("BLESS", "1")]).current_dir(root))?;
    models::write(root)?;
    run(Command::new("git").args(["--no-pager", "diff", "--stat"]).current_dir(root))
}

/// Runs a program to its end, its output going to ours.
fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
