//! Has the crate compiled again when the page is another: the macro that takes it into the program sees no new files by itself.

fn main() {
    println!("cargo::rerun-if-changed=page");
}
