//! The npm package and the demo. `js/build.mjs` does the work, because esbuild and the TypeScript compiler are npm packages; this makes
//! sure that they are there and gives the build one name among the chores.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::run;

/// Builds `pkg/` (the runtime as WebAssembly), `dist/` (the npm package) and `target/www/` (the demo).
pub fn build(root: &Path, dev: bool) -> Result<()> {
    ensure!(root.join("node_modules").is_dir(), "there are no npm packages: run scripts/setup first");
    run(Command::new("node").arg("js/build.mjs").args(dev.then_some("--dev")).current_dir(root))
}
