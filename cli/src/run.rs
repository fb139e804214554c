//! `tegula run`: one prompt, one answer.

use std::sync::atomic::AtomicBool;

use anyhow::Result;
use serde::Serialize;
use tegula::api::response::ChatLogprobs;
use tegula::engine::usage::{FinishReason, Usage};
use tegula::sampler::Sampling;
use tegula::text::answer::Piece;
use tegula::text::message::Message;
use tegula::{ErrorKind, Prompt, Request};

use crate::args::Run;
use crate::form::{Call, Form};
use crate::generate::Answer;
use crate::open::Opening;
use crate::prompt::{self, Prompt as Given};
use crate::{generate, report};

/// What `--json` prints.
#[derive(Serialize)]
struct Output {
    text: String,
    /// What the model thought before, and what it calls, where forms or tools were asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    token_ids: Vec<u32>,
    prompt_token_ids: Vec<u32>,
    finish_reason: FinishReason,
    usage: Usage,
    /// How likely the tokens were, as in a chat completion.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<ChatLogprobs>,
    /// Equal where equal requests get equal answers.
    system_fingerprint: String,
}

/// Answers a prompt, streaming the text to stdout and speeds to stderr.
pub fn run(args: &Run) -> Result<()> {
    // Before the model, which takes longer.
    let form = Form::read(&args.form)?;
    let given = prompt::of(args)?;
    let opening = Opening::begin(&args.model)?;
    let prompt = prompt(args, given, &form, &opening)?;
    // One token at least is for the answer.
    opening.check(&opening.tokenize(&prompt)?, 1)?;
    let opened = opening.load()?;
    report::say(opened.summary());
    let fingerprint = opened.model.fingerprint().to_owned();
    let mut served = opened.host()?;
    let request = generate::request(prompt, served.intake.config(), &form, &args.sampling);
    let requests = (0..args.n).map(|place| numbered(&request, place, args.logprobs)).collect();
    // Nothing sets it: Ctrl-C ends the program.
    let interrupted = AtomicBool::new(false);
    // Several answers would mix.
    let streams = !args.json && args.n == 1;
    let show = |_, piece: &Piece| if streams { report::show(piece) } else { Ok(()) };
    let answers = generate::generate_all(&mut served, requests, &interrupted, show)?;
    for (place, answer) in answers.into_iter().enumerate() {
        if args.json {
            print_json(answer, &fingerprint, args.logprobs.is_some())?;
            continue;
        }
        if !streams {
            report::print_text(&format!("{}{}. {}", if place > 0 { "\n" } else { "" }, place + 1, answer.text))?;
        }
        if streams && !answer.reasoning.is_empty() {
            // It was shown without a line end.
            report::say("");
        }
        if served.intake.tokenizer().is_none() {
            let ids: Vec<String> = answer.ids.iter().map(u32::to_string).collect();
            report::print_text(&ids.join(","))?;
        }
        // An answer that only calls has no line of its own.
        if !streams || answer.calls.is_empty() || !answer.text.is_empty() {
            report::print_text("\n")?;
        }
        answer.calls.iter().try_for_each(report::print_json)?;
        report::say(answer.statistics());
    }
    Ok(())
}

/// The request for the answer at a place.
fn numbered(request: &Request, place: u32, logprobs: Option<u32>) -> Request {
    let sampling = Sampling { seed: request.sampling.seed.wrapping_add(place.into()), ..request.sampling.clone() };
    Request { sampling, logprobs, ..request.clone() }
}

fn print_json(answer: Answer, fingerprint: &str, logprobs: bool) -> Result<()> {
    report::say(answer.statistics());
    report::print_json(&Output {
        logprobs: logprobs.then(|| ChatLogprobs::new(&answer.logprobs)),
        text: answer.text,
        reasoning_content: answer.reasoning,
        tool_calls: answer.calls,
        token_ids: answer.ids,
        prompt_token_ids: answer.prompt_ids,
        finish_reason: answer.reason,
        usage: answer.usage,
        system_fingerprint: fingerprint.to_owned(),
    })
}

/// The prompt that the command line means. A text becomes a conversation, unless it is to be raw or the package has no way to write one.
fn prompt(args: &Run, given: Given, form: &Form, opening: &Opening) -> Result<Prompt> {
    let text = match given {
        Given::Ids(ids) => return Ok(Prompt::Ids(ids)),
        Given::Text(text) => text,
    };
    if args.raw {
        return Ok(Prompt::Text(text));
    }
    let system = args.system.iter().map(|text| Message::new("system", text));
    let chat = generate::chat(system.chain([Message::new("user", &text)]).collect(), form);
    match opening.tokenize(&chat) {
        Ok(_) => Ok(chat),
        Err(error) if matches!(error.kind(), ErrorKind::NoChatTemplate) && args.system.is_none() && form.tools().is_none() => {
            report::say("note: the package has no chat template, so the prompt is taken as it is (as with --raw)");
            Ok(Prompt::Text(text))
        }
        Err(error) => Err(error.into()),
    }
}
