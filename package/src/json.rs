//! Reading the JSON files of a model as people have them: Python writes numbers that JSON does not
//! know, and a download may have brought something else than the file.

use serde::de::DeserializeOwned;

/// How Python spells numbers that JSON does not know.
const CONSTANTS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Reads JSON, in which `Infinity`, `-Infinity` and `NaN` are taken for texts. A setting that must
/// be a number is then refused by its name, and what nobody reads is no reason to stop.
pub fn parse<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_slice(json.as_bytes()).or_else(|error| match quoted(json) {
        Some(quoted) => serde_json::from_slice(quoted.as_bytes()),
        None => Err(error),
    })
}

/// The text with Python's constants as strings, if it has any outside of strings.
fn quoted(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len() + 16);
    let (mut rest, mut found, mut in_string) = (json, false, false);
    while let Some(next) = rest.chars().next() {
        let constant = CONSTANTS.into_iter().find(|constant| !in_string && rest.starts_with(constant));
        let length = match (constant, next) {
            (Some(constant), _) => {
                out.extend(["\"", constant, "\""]);
                found = true;
                rest = &rest[constant.len()..];
                continue;
            }
            // What is escaped does not end a string.
            (None, '\\') if in_string => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (None, '"') => {
                in_string = !in_string;
                1
            }
            _ => next.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    found.then_some(out)
}

/// What a file is instead of what its name says, and what to do, by its first bytes.
pub fn impostor(start: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&start[..start.len().min(64)]).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with("version http") {
        return Some("this is Git LFS's pointer to the file, not the file: run `git lfs pull` in its folder, or download it again");
    }
    let is_page = ["<!doctype", "<html", "<head", "<?xml"].iter().any(|mark| start.starts_with(mark));
    is_page.then_some("this is a web page (HTML), not the file: it may be one that asks to log in; download the file again")
}

#[cfg(test)]
mod tests {
    use super::{impostor, parse};
    use serde_json::{Value, json};

    #[test]
    fn numbers_of_python_are_read_and_strings_are_left_alone() {
        let text =
            r#"{"limit": [0.0, Infinity], "low":-Infinity,"none" : NaN, "text": "NaN, \"Infinity\" \\", "NaN": "\\\" -Infinity é\\"}"#;
        let expected = json!({"limit": [0.0, "Infinity"], "low": "-Infinity", "none": "NaN",
            "text": "NaN, \"Infinity\" \\", "NaN": "\\\" -Infinity é\\"});
        assert_eq!(parse::<Value>(text).unwrap(), expected);
        assert_eq!(parse::<Value>("Infinity").unwrap(), "Infinity");
        for broken in ["", "{", "{\"a\": NaN", "{\"a\": Infinite}", "{NaN: 1", "\"NaN", "[nan]", "[+Infinity]", "{\"a\": \"\\", "[\"\\é"] {
            assert!(parse::<Value>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_not_the_file_is_told() {
        for (start, word) in [
            ("version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
            ("<!DOCTYPE html>\n<html>", "web page"),
            ("\u{feff}\n  <html lang=\"en\">", "web page"),
            ("<?xml version=\"1.0\"?><Error>", "web page"),
        ] {
            assert!(impostor(start.as_bytes()).unwrap().contains(word), "{start}");
        }
        for start in ["", "{}", "{\"version\": 1}", "version", "#version: 0.2\na b", "<|im_start|>", "<s>", "\u{1}\u{0}"] {
            assert_eq!(impostor(start.as_bytes()), None, "{start}");
        }
    }
}
