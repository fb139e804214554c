//! A conversation with a model on the command line: `cargo run --release --example chat -- FOLDER`.
//!
//! The folder is a weight package with its library: `tegula convert HF_FOLDER -o FOLDER`, then `tegula compile FOLDER -o FOLDER/library.wasm`.

#![expect(clippy::print_stdout, reason = "it talks to people")]

use std::io::{Write, stdin, stdout};

use futures::executor::{block_on, block_on_stream};
use tegula::load::folder::Folder;
use tegula::text::message::Message;
use tegula::{EventKind, Host, Request};
use tegula_gpu::{Gpu, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder holds the model?")?;
    let (host, _thread) = Host::spawn(None)?;
    block_on(Folder::read(folder.as_ref())?.serve(&host, block_on(Gpu::new(&Options::default()))?, "model"))?;
    let mut messages = Vec::new();
    for line in stdin().lines() {
        messages.push(Message::new("user", &line?));
        let mut answer = String::new();
        for event in block_on_stream(host.ask("model", Request::chat(messages.clone()))?) {
            match event {
                EventKind::Token { text, .. } => {
                    print!("{text}");
                    stdout().flush()?;
                    answer.push_str(&text);
                }
                EventKind::Failed { error } => return Err(error.into()),
                EventKind::Finished { .. } => println!(),
            }
        }
        messages.push(Message::new("assistant", &answer));
    }
    Ok(())
}
