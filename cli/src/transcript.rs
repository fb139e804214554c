//! The conversation of `tegula chat`, and its file: a JSON list of messages as OpenAI's API has them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tegula::text::message::{Content, Message};

use crate::form::Call;

/// What was said so far.
pub struct Transcript {
    messages: Vec<Message>,
}

const SYSTEM: &str = "system";

impl Transcript {
    /// A conversation before which the model is told something.
    pub fn new(system: Option<&str>) -> Transcript {
        let messages = system.iter().map(|text| Message::new(SYSTEM, *text)).collect();
        Transcript { messages }
    }

    /// All messages.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Adds a question.
    pub fn ask(&mut self, text: &str) {
        self.messages.push(Message::new("user", text));
    }

    /// Adds the answer. Calls that have no ids get some: nine characters, as Mistral's templates want them.
    pub fn answer(&mut self, text: &str, calls: &[Call]) {
        let mut message = Message::new("assistant", text);
        if !calls.is_empty() {
            let first = self.messages.len();
            let entry = |(place, call): (usize, &Call)| {
                let id = call.id.clone().unwrap_or_else(|| format!("call{:05}", first * 100 + place));
                let arguments = call.arguments.as_str().map_or_else(|| call.arguments.to_string(), str::to_owned);
                json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
            };
            message.other.insert("tool_calls".into(), calls.iter().enumerate().map(entry).collect());
            if text.is_empty() {
                message.content = Some(Content::Null);
            }
        }
        self.messages.push(message);
    }

    /// Adds the result of the first call that has none, and gives the number of those that still have none. Nothing if no call waits.
    pub fn result(&mut self, text: &str) -> Option<u64> {
        let results = self.messages.iter().rev().take_while(|message| message.role == "tool").count();
        let asked = self.messages.len().checked_sub(results + 1).map(|place| &self.messages[place])?;
        let calls = asked.other.get("tool_calls")?.as_array()?;
        let call = calls.get(results)?;
        let mut message = Message::new("tool", text);
        for (name, value) in [("tool_call_id", &call["id"]), ("name", &call["function"]["name"])] {
            message.other.insert(name.into(), value.clone());
        }
        let open = calls.len() - results - 1;
        self.messages.push(message);
        Some(open as u64)
    }

    /// Forgets all but what the model is told before.
    pub fn reset(&mut self) {
        self.messages.retain(|message| message.role == SYSTEM);
    }

    /// Changes what the model is told before. An empty text tells it nothing.
    pub fn instruct(&mut self, text: &str) {
        self.messages.retain(|message| message.role != SYSTEM);
        if !text.is_empty() {
            self.messages.insert(0, Message::new(SYSTEM, text));
        }
    }

    /// Takes the last question back, with its answer. False if there is none.
    pub fn undo(&mut self) -> bool {
        let question = self.messages.iter().rposition(|message| message.role == "user");
        self.messages.truncate(question.unwrap_or(self.messages.len()));
        question.is_some()
    }

    /// Takes the answer to the last question back. False if there is no question.
    pub fn reopen(&mut self) -> bool {
        let question = self.messages.iter().rposition(|message| message.role == "user");
        self.messages.truncate(question.map_or(self.messages.len(), |question| question + 1));
        question.is_some()
    }

    /// Writes the conversation to a file, and gives the number of messages.
    pub fn save(&self, file: &Path) -> Result<u64> {
        let text = serde_json::to_string_pretty(&self.messages)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
        Ok(self.messages.len() as u64)
    }

    /// Takes the conversation of a file, and gives the number of messages. If it cannot be read, nothing changes.
    pub fn load(&mut self, file: &Path) -> Result<u64> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let messages: Vec<Message> = serde_json::from_str(&text).with_context(|| format!("{} is no list of messages", file.display()))?;
        let known = |message: &Message| matches!(message.role.as_str(), SYSTEM | "developer" | "user" | "assistant" | "tool");
        if let Some(place) = messages.iter().position(|message| !known(message)) {
            ensure!(false, "{}: message {place} has the role {:?}", file.display(), messages[place].role);
        }
        self.messages = messages;
        Ok(self.messages.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(transcript: &Transcript) -> Vec<&str> {
        transcript.messages().iter().map(|message| message.role.as_str()).collect()
    }

    #[test]
    fn questions_are_taken_back_and_answered_again() {
        let mut transcript = Transcript::new(Some("Be brief."));
        assert!(!transcript.undo() && !transcript.reopen());
        transcript.ask("a");
        transcript.answer("b", &[]);
        transcript.ask("c");
        transcript.answer("d", &[]);
        assert!(transcript.reopen());
        assert_eq!(roles(&transcript), ["system", "user", "assistant", "user"]);
        assert!(transcript.undo());
        assert_eq!(roles(&transcript), ["system", "user", "assistant"]);
        transcript.instruct("");
        assert_eq!(roles(&transcript), ["user", "assistant"]);
        transcript.instruct("Be long.");
        transcript.reset();
        assert_eq!(transcript.messages(), [Message::new("system", "Be long.")]);
    }

    #[test]
    fn calls_get_their_results_one_after_the_other() {
        let call = |name: &str| Call { name: name.into(), arguments: json!({"a": 1}), id: None };
        let mut transcript = Transcript::new(None);
        assert_eq!(transcript.result("1"), None);
        transcript.ask("a");
        assert_eq!(transcript.result("1"), None);
        transcript.answer("", &[call("f"), call("g")]);
        assert_eq!([transcript.result("1"), transcript.result("2"), transcript.result("3")], [Some(1), Some(0), None]);
        assert_eq!(roles(&transcript), ["user", "assistant", "tool", "tool"]);
        let [_, asked, first, second] = transcript.messages() else { panic!("four messages") };
        let calls = asked.other["tool_calls"].as_array().unwrap();
        assert_eq!(calls[0]["function"], json!({"name": "f", "arguments": "{\"a\":1}"}));
        assert_ne!(calls[0]["id"], calls[1]["id"]);
        assert_eq!((&first.other["tool_call_id"], &second.other["tool_call_id"]), (&calls[0]["id"], &calls[1]["id"]));
        assert_eq!((first.text(), &second.other["name"]), ("1".into(), &json!("g")));
        assert!(transcript.undo());
        assert!(transcript.messages().is_empty());
    }

    #[test]
    fn a_file_holds_the_conversation_and_a_wrong_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.json");
        let mut transcript = Transcript::new(None);
        transcript.ask("a");
        assert_eq!(transcript.save(&file).unwrap(), 1);
        let mut other = Transcript::new(Some("x"));
        assert_eq!(other.load(&file).unwrap(), 1);
        assert_eq!(other.messages(), transcript.messages());
        for wrong in ["{}", "[{\"role\": \"king\", \"content\": \"a\"}]", "["] {
            fs::write(&file, wrong).unwrap();
            assert!(other.load(&file).is_err(), "{wrong}");
            assert_eq!(other.messages(), transcript.messages());
        }
        assert!(other.load(&folder.path().join("nothing")).is_err());
    }
}
