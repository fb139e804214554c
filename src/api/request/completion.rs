//! The prompts of a completion request, and their echo.

use serde_json::Value;

use super::check;
use super::fields::MOST_ANSWERS;
use crate::engine::request::Prompt;
use crate::{ErrorKind, Result};

/// A prompt: a text or token ids. Or several, each of which gets an answer.
pub(super) fn prompts(given: Option<Value>) -> Result<Vec<Prompt>> {
    match given {
        Some(Value::Array(items)) if items.iter().any(|item| item.is_string() || item.is_array()) => {
            if items.len() > MOST_ANSWERS as usize {
                let value = format!("a list of {} prompts", items.len());
                let allowed = format!("a list of at most {MOST_ANSWERS} prompts").into();
                return Err(ErrorKind::FieldRange { field: "prompt".into(), value, allowed }.into());
            }
            let alone = items.len() == 1;
            let path = |place| if alone { "prompt".to_owned() } else { format!("prompt[{place}]") };
            items.into_iter().enumerate().map(|(place, item)| prompt(&path(place), Some(item))).collect()
        }
        one => Ok(vec![prompt("prompt", one)?]),
    }
}

fn prompt(path: &str, given: Option<Value>) -> Result<Prompt> {
    const ALLOWED: &str = "a text or a list of token ids";
    match given {
        Some(Value::String(text)) => Ok(Prompt::Text(text)),
        Some(Value::Array(items)) if !items.is_empty() => {
            let id = |(place, item): (usize, &Value)| {
                let id = check::whole(item).and_then(|id| u32::try_from(id).ok());
                id.ok_or_else(|| check::wrong(&format!("{path}[{place}]"), item, "a token id".into()))
            };
            Ok(Prompt::Ids(items.iter().enumerate().map(id).collect::<Result<_>>()?))
        }
        None => Err(check::missing(path.into(), ALLOWED)),
        Some(Value::Array(_)) => {
            let allowed = "a text or a list of at least one token id".into();
            Err(ErrorKind::FieldRange { field: path.to_owned().into(), value: "[]".into(), allowed }.into())
        }
        Some(other) => Err(check::wrong(path, &other, ALLOWED.into())),
    }
}

/// The text behind the gap that the answer fills. An empty text is no gap.
pub(super) fn suffix(given: Option<&Value>, prompts: Vec<Prompt>) -> Result<Vec<Prompt>> {
    let Some(suffix) = given.and_then(Value::as_str).filter(|suffix| !suffix.is_empty()) else { return Ok(prompts) };
    let gap = |prompt| match prompt {
        Prompt::Text(before) => Ok(Prompt::Gap { before, after: suffix.into() }),
        _ => Err(check::wrong("suffix", &suffix.into(), "left out where the prompt is a list of token ids".into())),
    };
    prompts.into_iter().map(gap).collect()
}

/// The texts to begin answers with, if the prompts are to be repeated.
pub(super) fn echoes(given: Option<&Value>, prompts: &[Prompt]) -> Result<Vec<String>> {
    let Some(echo @ Value::Bool(true)) = given else { return Ok(Vec::new()) };
    let text = |prompt: &Prompt| match prompt {
        Prompt::Text(text) => Ok(text.clone()),
        Prompt::Gap { .. } => Err(check::wrong("echo", echo, "false where there is a `suffix`".into())),
        Prompt::Chat(_) | Prompt::Ids(_) => Err(check::wrong("echo", echo, "false where the prompt is a list of token ids".into())),
    };
    prompts.iter().map(text).collect()
}

/// How many answers are made for each prompt, of which the `n` best are given.
pub(super) fn candidates(given: Option<&Value>, n: u32, stream: bool) -> Result<u32> {
    let Some(best_of) = given.and_then(check::whole).and_then(|best_of| u32::try_from(best_of).ok()) else { return Ok(n) };
    let allowed = match best_of {
        _ if best_of < n => format!("a whole number of at least `n`, which is {n}"),
        _ if best_of > n && stream => format!("{n}, as `n`, in a stream: the best answer is known when all have ended"),
        _ => return Ok(best_of),
    };
    Err(ErrorKind::FieldRange { field: "best_of".into(), value: best_of.to_string(), allowed: allowed.into() }.into())
}
