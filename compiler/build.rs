//! Makes Cargo see new files in the folders that are embedded: of those that are there already the compiler itself takes note.

fn main() {
    println!("cargo::rerun-if-changed=records");
    println!("cargo::rerun-if-changed=../wgsl");
}
