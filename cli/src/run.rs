//! `tegula run`: one prompt, one answer.

use std::sync::atomic::AtomicBool;

use anyhow::Result;
use serde::Serialize;
use tegula::engine::usage::{FinishReason, Usage};
use tegula::text::message::Message;
use tegula::{ErrorKind, Prompt};

use crate::args::Run;
use crate::open::Opening;
use crate::prompt::{self, Prompt as Given};
use crate::{generate, report};

/// What `--json` prints.
#[derive(Serialize)]
struct Output {
    text: String,
    token_ids: Vec<u32>,
    prompt_token_ids: Vec<u32>,
    finish_reason: FinishReason,
    usage: Usage,
    /// Equal where equal requests get equal answers.
    system_fingerprint: String,
}

/// Answers a prompt, streaming the text to stdout and speeds to stderr.
pub fn run(args: &Run) -> Result<()> {
    // Before the model, which takes longer.
    let given = prompt::of(args)?;
    let opening = Opening::begin(&args.model)?;
    let prompt = prompt(args, given, &opening)?;
    // One token at least is for the answer.
    opening.check(&opening.tokenize(&prompt)?, 1)?;
    let opened = opening.load()?;
    report::say(opened.summary());
    let system_fingerprint = opened.model.fingerprint().to_owned();
    let mut served = opened.host()?;
    let request = generate::request(prompt, served.intake.config(), &args.sampling);
    // Nothing sets it: Ctrl-C ends the program.
    let interrupted = AtomicBool::new(false);
    let show = |text: &str| if args.json { Ok(()) } else { report::print_text(text) };
    let answer = generate::generate(&mut served, request, &interrupted, show)?;
    if !args.json {
        if served.intake.tokenizer().is_none() {
            let ids: Vec<String> = answer.ids.iter().map(u32::to_string).collect();
            report::print_text(&ids.join(","))?;
        }
        report::print_text("\n")?;
    }
    report::say(answer.statistics());
    if args.json {
        report::print_json(&Output {
            text: answer.text,
            token_ids: answer.ids,
            prompt_token_ids: answer.prompt_ids,
            finish_reason: answer.reason,
            usage: answer.usage,
            system_fingerprint,
        })?;
    }
    Ok(())
}

/// The prompt that the command line means. A text becomes a conversation, unless it is to be raw or the package has no way to write one.
fn prompt(args: &Run, given: Given, opening: &Opening) -> Result<Prompt> {
    let text = match given {
        Given::Ids(ids) => return Ok(Prompt::Ids(ids)),
        Given::Text(text) => text,
    };
    if args.raw {
        return Ok(Prompt::Text(text));
    }
    let system = args.system.iter().map(|text| Message::new("system", text));
    let chat = generate::chat(system.chain([Message::new("user", &text)]).collect());
    match opening.tokenize(&chat) {
        Ok(_) => Ok(chat),
        Err(error) if matches!(error.kind(), ErrorKind::NoChatTemplate) && args.system.is_none() => {
            report::say("note: the package has no chat template, so the prompt is taken as it is (as with --raw)");
            Ok(Prompt::Text(text))
        }
        Err(error) => Err(error.into()),
    }
}
