//! `tokenizer_config.json` of a package: the checkpoint's file, completed from other files beside it.
//!
//! Newer checkpoints have their chat templates in files of their own, and older ones name their
//! special tokens in `special_tokens_map.json`. Readers of a package find all of it in one file.

use crate::Error;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tegula_package::file::{damaged, io, read_json, read_text};
use tegula_package::json;

/// The file's name.
pub const NAME: &str = "tokenizer_config.json";

/// The file with the template that goes before all others.
pub const TEMPLATE: &str = "chat_template.jinja";

/// The folder of a checkpoint that has more chat templates, by name.
pub const TEMPLATES: &str = "additional_chat_templates";

/// The file that names special tokens.
const SPECIAL: &str = "special_tokens_map.json";

/// What is said about chatting and about tokens.
#[derive(Debug, Default)]
pub struct TokenizerConfig {
    /// The Jinja template, or the one named `default` of several.
    pub chat_template: Option<String>,
    /// Whether text starts with a token of its own.
    pub starts_with_bos: bool,
    /// Ids of the tokens that are added to those of tokenizer.json.
    pub added: BTreeMap<String, u32>,
    /// Whether it has what is in chat_template.jinja, among other templates.
    pub has_template: bool,
    /// The file of the package.
    pub text: String,
    /// Whether that is not the file of the checkpoint.
    merged: bool,
}

impl TokenizerConfig {
    /// Reads what the folder has.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`] if a file is damaged or cannot be read.
    pub fn read(folder: &Path) -> Result<TokenizerConfig, Error> {
        let path = folder.join(NAME);
        let text = if path.is_file() { read_text(&path)? } else { "{}".into() };
        let before: Value = json::parse(&text).map_err(|error| damaged(&path, error))?;
        let Value::Object(mut config) = before.clone() else {
            return Err(damaged(&path, "it is not a JSON object").into());
        };
        name_tokens(folder, &mut config)?;
        let template = take_templates(folder, &mut config)?;
        // What Python writes may be no JSON for anybody else.
        let is_json = serde_json::from_str::<Value>(&text).is_ok();
        let added = config.get("added_tokens_decoder").and_then(Value::as_object).into_iter().flatten();
        let added = added.filter_map(|(id, token)| Some((token["content"].as_str()?.to_owned(), id.parse().ok()?))).collect();
        let get = |name: &str| config.get(name).unwrap_or(&Value::Null);
        let merged = !is_json || before.as_object() != Some(&config);
        Ok(TokenizerConfig {
            chat_template: template.or_else(|| default_template(get("chat_template")).map(str::to_owned)),
            starts_with_bos: *get("bos_token") != Value::Null && *get("add_bos_token") != false,
            added,
            has_template: get("chat_template").is_array(),
            merged,
            text: if merged { format!("{:#}", Value::Object(config)) } else { text },
        })
    }

    /// Writes the package's file where it is not that of the checkpoint, and says whether it did.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`] if it cannot be written.
    pub fn write(&self, output: &Path) -> Result<bool, Error> {
        if self.merged {
            let path = output.join(NAME);
            std::fs::write(&path, &self.text).map_err(|error| io(&path, error))?;
        }
        Ok(self.merged)
    }
}

/// Adds the names of special tokens that a file of its own has. As in Hugging Face's library, they
/// go before those of the config unless that describes its tokens itself.
fn name_tokens(folder: &Path, config: &mut Map<String, Value>) -> Result<(), Error> {
    let path = folder.join(SPECIAL);
    if !path.is_file() {
        return Ok(());
    }
    let named: Map<String, Value> = read_json(&path)?;
    let describes = config.get("added_tokens_decoder").is_some_and(Value::is_object);
    for (name, token) in named.into_iter().filter(|(_, token)| !token.is_null()) {
        match (config.get_mut(&name), token) {
            (Some(known), token) if known.is_null() => *known = token,
            (Some(Value::Array(known)), Value::Array(tokens)) => {
                let new: Vec<Value> = tokens.into_iter().filter(|token| known.iter().all(|known| text(known) != text(token))).collect();
                known.extend(new);
            }
            (Some(_), _) if describes => {}
            // The same token again says nothing new, unless how it is found.
            (Some(known), token) if text(known) == text(&token) && (known.is_object() || !is_found_oddly(&token)) => {}
            (Some(known), token) => *known = token,
            (None, token) => {
                config.insert(name, token);
            }
        }
    }
    Ok(())
}

fn is_found_oddly(token: &Value) -> bool {
    ["lstrip", "rstrip", "single_word"].iter().any(|flag| token[flag] == true)
}

/// A token's text, alone or among its properties.
fn text(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token["content"].as_str())
}

/// Puts the templates that have files of their own into the config, and gives the one of
/// chat_template.jinja.
fn take_templates(folder: &Path, config: &mut Map<String, Value>) -> Result<Option<String>, Error> {
    let path = folder.join(TEMPLATE);
    let template = if path.is_file() { Some(read_text(&path)?) } else { None };
    let more = templates(&folder.join(TEMPLATES))?;
    let known = config.get("chat_template").cloned().unwrap_or_default();
    if more.is_empty() {
        // The file alone is copied; beside another template it is the one that counts.
        if let Some(template) = template.as_ref().filter(|_| !known.is_null()) {
            config.insert("chat_template".into(), json!(template));
        }
        return Ok(template);
    }
    let mut all: Vec<(String, String)> = Vec::new();
    let known_name = |entry: &Value| Some((entry["name"].as_str()?.to_owned(), entry["template"].as_str()?.to_owned()));
    match (&template, &known) {
        (Some(template), _) => all.push(("default".into(), template.clone())),
        (None, Value::Array(named)) => all.extend(named.iter().filter_map(known_name)),
        (None, one) => all.extend(one.as_str().map(|one| ("default".into(), one.to_owned()))),
    }
    for (name, template) in more {
        all.retain(|(known, _)| *known != name);
        all.push((name, template));
    }
    let named: Vec<Value> = all.iter().map(|(name, template)| json!({"name": name, "template": template})).collect();
    config.insert("chat_template".into(), Value::Array(named));
    Ok(template)
}

/// Names and texts of the templates in a folder, if there is one.
fn templates(folder: &Path) -> Result<Vec<(String, String)>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| io(folder, error))? {
        let path = entry.map_err(|error| io(folder, error))?.path();
        if path.extension().is_some_and(|end| end == "jinja")
            && let Some(name) = path.file_stem()
        {
            found.push((name.to_string_lossy().into_owned(), read_text(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// The only template, or the one named `default` of several.
fn default_template(templates: &Value) -> Option<&str> {
    match templates {
        Value::Array(named) => named.iter().find(|entry| entry["name"] == "default")?["template"].as_str(),
        one => one.as_str(),
    }
}
