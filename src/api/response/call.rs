//! Tool calls, whole and in parts.

use serde::Serialize;

use super::ids::mixed;

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolCall {
    /// Names the call, for the message with its result.
    pub id: String,
    /// `function`
    pub r#type: &'static str,
    /// What is called.
    pub function: Function,
}

/// A function and its arguments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its arguments, as the text of a JSON object. An answer that was cut off may end within it.
    pub arguments: String,
}

/// A part of a call in a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallDelta {
    /// Which call of the answer, from 0 on.
    pub index: usize,
    /// See [`ToolCall::id`]; in the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, in the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'static str>,
    /// What is new of the function.
    pub function: FunctionDelta,
}

/// A part of a function and its arguments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionDelta {
    /// Its name, in the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of its arguments.
    pub arguments: String,
}

const FUNCTION: &str = "function";

impl ToolCall {
    /// Calls of which all parts have come.
    pub(super) fn of(parts: &[CallDelta]) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = Vec::new();
        for CallDelta { index, id, function: FunctionDelta { name, arguments }, .. } in parts {
            if let (Some(id), Some(name)) = (id, name) {
                let function = Function { name: name.clone(), arguments: String::new() };
                calls.push(ToolCall { id: id.clone(), r#type: FUNCTION, function });
            }
            if let Some(call) = calls.get_mut(*index) {
                call.function.arguments.push_str(arguments);
            }
        }
        calls
    }
}

impl CallDelta {
    /// The first part. A call that the model gave no id gets one, which `seed` makes differ from those of other answers.
    pub(super) fn begin(index: usize, id: Option<String>, name: String, seed: u64) -> CallDelta {
        let function = FunctionDelta { name: Some(name), arguments: String::new() };
        CallDelta {
            index,
            id: Some(id.unwrap_or_else(|| call_id(mixed(seed.wrapping_add(index as u64))))),
            r#type: Some(FUNCTION),
            function,
        }
    }

    /// A later part.
    pub(super) fn more(index: usize, arguments: String) -> CallDelta {
        CallDelta { index, id: None, r#type: None, function: FunctionDelta { name: None, arguments } }
    }
}

/// An id of nine letters and digits: Mistral's templates take no others.
fn call_id(mut number: u64) -> String {
    let mut id = String::new();
    for _ in 0..9 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        id.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    id
}
