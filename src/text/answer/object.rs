//! Calls that are JSON objects, alone or in a list: `{"name": …, "arguments": {…}}`, in any order of members.
//!
//! Arguments stream once the name is known. Those that come first wait for it.

use serde_json::Value;

use super::json::Json;
use super::step::{Context, Step};

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Start,
    /// Between the objects of a list.
    List,
    /// Before a member's name or the end of the object.
    Member,
    Key,
    Colon,
    Value,
}

/// What a member's value is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Name,
    Id,
    Arguments,
    /// An object around name and arguments, as OpenAI's interface has it, or the name itself.
    Function,
    /// Something that calls do not need.
    Other,
}

/// The state of the object that is being read, and of the list around it.
#[derive(Debug)]
pub(super) struct Object {
    /// The only member is named as the tool.
    keyed: bool,
    /// Without a marker before it, an object with members unlike a call's is soon taken for something else.
    bare: bool,
    list: bool,
    /// It is within the object `function`.
    inner: bool,
    at: At,
    json: Json,
    /// The text of the member's name or value.
    text: String,
    role: Role,
    id: Option<String>,
    name: Option<String>,
    /// Arguments that came before the name.
    early: Option<String>,
    /// There was a member that calls do not have. It might have been the arguments.
    odd: bool,
    /// The call has been given.
    begun: bool,
    /// Some call of the list has been given.
    any: bool,
}

impl Object {
    pub(super) fn new(keyed: bool, bare: bool) -> Object {
        let (json, text, role) = (Json::new(), String::new(), Role::Other);
        let (list, inner, odd, begun, any) = (false, false, false, false, false);
        Object { keyed, bare, list, inner, at: At::Start, json, text, role, id: None, name: None, early: None, odd, begun, any }
    }

    pub(super) fn push(&mut self, c: char, context: &mut Context) -> Step {
        let space = c.is_whitespace();
        match self.at {
            At::Key => self.key(c, context),
            At::Value if !space || !self.text.is_empty() => self.value(c, context),
            _ if space => Step::More,
            At::Start if c == '[' && !self.list => {
                self.list = true;
                self.at = At::List;
                Step::More
            }
            At::Start | At::List if c == '{' => {
                (self.id, self.name, self.early, self.begun) = (None, None, None, false);
                (self.inner, self.odd) = (false, false);
                context.held.given = false;
                self.at = At::Member;
                Step::More
            }
            At::List if c == ']' => Step::Done,
            At::List | At::Member if c == ',' => Step::More,
            At::List if self.any => Step::Before,
            At::Member if c == '"' => {
                self.value_of(Role::Other, At::Key);
                self.key(c, context)
            }
            At::Member if c == '}' && self.inner => {
                self.inner = false;
                Step::More
            }
            At::Member if c == '}' => self.ended(context),
            // A brace that the model forgot does not undo the call.
            At::Member if self.begun => Step::Before,
            At::Colon if c == ':' => {
                self.value_of(self.role, At::Value);
                Step::More
            }
            _ => Step::Fail,
        }
    }

    fn value_of(&mut self, role: Role, at: At) {
        (self.role, self.at, self.json) = (role, at, Json::new());
        self.text.clear();
    }

    fn key(&mut self, c: char, context: &mut Context) -> Step {
        match self.json.push(c, &mut self.text) {
            Step::More => return Step::More,
            Step::Done => {}
            _ => return Step::Fail,
        }
        let Ok(key) = serde_json::from_str::<String>(&self.text) else { return Step::Fail };
        self.at = At::Colon;
        self.role = match key.as_str() {
            _ if self.keyed && self.name.is_none() => {
                let Some(name) = context.tools.find(&key) else { return Step::Fail };
                self.name = Some(name.to_string());
                Role::Arguments
            }
            _ if self.begun => Role::Other,
            "function" if !self.inner => Role::Function,
            "name" | "tool_name" => Role::Name,
            "arguments" | "parameters" => Role::Arguments,
            "id" | "tool_call_id" | "call_id" => Role::Id,
            "type" => Role::Other,
            _ if self.bare => return Step::Fail,
            _ => {
                self.odd = true;
                Role::Other
            }
        };
        Step::More
    }

    fn value(&mut self, c: char, context: &mut Context) -> Step {
        if self.role == Role::Arguments && self.text.is_empty() && !matches!(c, '{' | '"' | 'n') {
            return Step::Fail;
        }
        if self.role == Role::Function && self.text.is_empty() {
            if c == '{' {
                (self.inner, self.at) = (true, At::Member);
                return Step::More;
            }
            self.role = Role::Name;
        }
        let before = self.text.len();
        let step = self.json.push(c, &mut self.text);
        if step == Step::Fail {
            return Step::Fail;
        }
        if self.role == Role::Arguments && self.text.starts_with('{') && self.name.is_some() {
            self.begin(context);
            context.arguments(&self.text[before..]);
        }
        if step == Step::More {
            return Step::More;
        }
        self.at = At::Member;
        if !self.take(context) {
            return Step::Fail;
        }
        if step == Step::Before { self.push(c, context) } else { Step::More }
    }

    /// Uses a member's value, which is whole.
    fn take(&mut self, context: &mut Context) -> bool {
        match self.role {
            Role::Other => return true,
            Role::Arguments if self.begun => return true,
            _ => {}
        }
        let Ok(value) = serde_json::from_str::<Value>(&self.text) else { return false };
        match (self.role, value) {
            (Role::Name, Value::String(name)) => {
                let Some(name) = context.tools.find(&name) else { return false };
                self.name = Some(name.to_string());
            }
            (Role::Id, Value::String(id)) => self.id = Some(id).filter(|id| !id.is_empty()),
            (Role::Id, Value::Number(id)) => self.id = Some(id.to_string()),
            (Role::Arguments, Value::Object(_)) => self.early = Some(std::mem::take(&mut self.text)),
            (Role::Arguments, Value::Null) => self.early = Some("{}".to_string()),
            // The object was written as JSON within JSON.
            (Role::Arguments, Value::String(text)) if matches!(serde_json::from_str(&text), Ok(Value::Object(_))) => {
                self.early = Some(text)
            }
            (Role::Arguments | Role::Name | Role::Function, _) => return false,
            _ => {}
        }
        if self.name.is_some() && self.early.is_some() {
            self.begin(context);
        }
        true
    }

    /// Gives the call and the arguments that are known.
    fn begin(&mut self, context: &mut Context) {
        if self.begun {
            return;
        }
        let Some(name) = &self.name else { return };
        context.call(self.id.take(), name);
        if let Some(early) = self.early.take() {
            context.arguments(&early);
        }
        (self.begun, self.any) = (true, true);
    }

    fn ended(&mut self, context: &mut Context) -> Step {
        if !self.begun {
            if self.name.is_none() || self.odd {
                return Step::Fail;
            }
            self.early = Some("{}".to_string());
            self.begin(context);
        }
        self.at = At::List;
        if self.list { Step::More } else { Step::Done }
    }
}
