//! Makes Cargo compile again when a file is added to an embedded folder. The compiler itself takes note of the files that are there
//! already.

fn main() {
    println!("cargo::rerun-if-changed=records");
    println!("cargo::rerun-if-changed=../wgsl");
}
