//! Search for schedules, as far as it needs no GPU: which candidates there are, what was measured, and what to choose from that.
//!
//! `tegula tune` measures. It writes records, a file for each device under `compiler/records/`. They are part of this crate: compiling
//! measures nothing and gives the same bytes everywhere.

pub mod choice;
pub mod record;
mod shortlist;
pub mod space;
pub mod steps;
mod tally;
mod text;

pub use choice::Choice;
pub use record::{Record, Records};
pub use space::{Candidate, candidates};
pub use tally::Tally;

/// What a device is called in names of files and in comparisons: `NVIDIA H200` is `nvidia-h200`, and versions in parentheses are left out.
#[must_use]
pub fn device_slug(name: &str) -> String {
    let bare = name.split('(').next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = bare.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "device").collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::device_slug;

    #[test]
    fn slugs_leave_versions_out() {
        let names = ["NVIDIA H200", "llvmpipe (LLVM 19.1.7, 256 bits)", "SwiftShader Device (LLVM 10.0.0)", "Apple M2 Pro", ""];
        assert_eq!(names.map(device_slug), ["nvidia-h200", "llvmpipe", "swiftshader", "apple-m2-pro", ""]);
    }
}
