//! Jinja chat templates, with what Hugging Face's library adds to Jinja.
//!
//! The engine is minijinja, which follows Python where the two languages differ. Added here: `tojson` as `json.dumps` writes it (the
//! engine's own escapes for HTML), `raise_exception`, and `strftime_now` (UTC).

use std::collections::HashSet;

use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value, syntax::SyntaxConfig};

use crate::clock;

mod arguments;
mod content;
mod date;
mod expression;
mod json;
mod limits;
mod python;
mod source;
mod text;

pub use content::{Reader, Reads, arguments};
use date::strftime;
use json::tojson;
pub use limits::Failure;
use limits::explain;

/// Compiled templates of a model.
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Compiles templates, as (name, text).
    ///
    /// # Errors
    /// What the parser says, with the line.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Templates, Failure> {
        Self::at(texts, clock::unix_seconds, limits::STEPS.most)
    }

    /// As [`Templates::new`], with another clock and another bound on steps.
    fn at<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>, unix_seconds: fn() -> f64, steps: u64) -> Result<Templates, Failure> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the delimiters are the standard ones"),
        );
        environment.set_unknown_method_callback(python::method);
        environment.add_filter("tojson", tojson);
        environment.add_filter("indent", indent);
        environment.add_filter("length", length);
        environment.add_filter("count", length);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", move |format: &str| strftime(format, unix_seconds()));
        limits::bind(&mut environment, steps);
        python::bind(&mut environment);
        for (name, text) in texts {
            environment.add_template_owned(name.to_owned(), source::prepared(text)?).map_err(|error| explain(&error))?;
        }
        Ok(Templates { environment })
    }

    /// The variables that a template reads.
    #[must_use]
    pub fn variables(&self, name: &str) -> HashSet<String> {
        self.environment.get_template(name).map(|template| template.undeclared_variables(false)).unwrap_or_default()
    }

    /// Whether there is a template of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.environment.get_template(name).is_ok()
    }

    /// Renders a template with the members of a JSON object as its variables.
    ///
    /// # Errors
    /// What the template says, such as by `raise_exception`.
    pub fn render(&self, name: &str, variables: &serde_json::Value) -> Result<String, Failure> {
        let template = self.environment.get_template(name).map_err(|error| explain(&error))?;
        template.render(Value::from(Serde(variables))).map_err(|error| explain(&error))
    }
}

/// Jinja's filter `length`. An undefined value has the length 0.
fn length(value: &Value) -> Result<usize, Error> {
    let missing = || Error::new(ErrorKind::InvalidOperation, format!("cannot calculate the length of {}", value.kind()));
    if value.is_undefined() { Ok(0) } else { value.len().ok_or_else(missing) }
}

/// The filter of Jinja, which keeps the line end that a text may have; the engine's drops it.
fn indent(text: &str, width: Option<Value>, first: Option<bool>, blank: Option<bool>, options: Kwargs) -> Result<String, Error> {
    let width = if width.is_some() { width } else { options.get("width")? };
    let first = if first.is_some() { first } else { options.get("first")? }.unwrap_or(false);
    let blank = if blank.is_some() { blank } else { options.get("blank")? }.unwrap_or(false);
    options.assert_all_used()?;
    let width = match width {
        None => " ".repeat(4),
        Some(width) => spaces(&width)?,
    };
    limits::size(text.len().saturating_add(width.len().saturating_mul(text.split('\n').count())))?;
    let mut out = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if if index == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&width);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// An indentation: a text, or a number of spaces.
fn spaces(width: &Value) -> Result<String, Error> {
    if let Some(text) = width.as_str() {
        return Ok(text.to_owned());
    }
    let width = usize::try_from(width.clone())?;
    limits::size(width)?;
    Ok(" ".repeat(width))
}

#[cfg(test)]
mod tests;
