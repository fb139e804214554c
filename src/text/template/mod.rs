//! Jinja chat templates, with what Hugging Face's library adds to Jinja.
//!
//! The engine is minijinja, which follows Python where the two languages differ. Added here: `tojson` as `json.dumps` writes it (the
//! engine's own escapes for HTML), `raise_exception`, and `strftime_now` (UTC).

use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value, syntax::SyntaxConfig};

use crate::clock;

mod arguments;
mod content;
mod limits;
mod python;
mod source;
mod text;

pub use content::{Reader, Reads, arguments};
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

/// `json.dumps` of Python, with the options that templates use.
fn tojson(_state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent = options.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none());
    let indent = indent.map(|indent| spaces(&indent)).transpose()?;
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => return Err(Error::new(ErrorKind::InvalidOperation, "separators must be two strings")),
        None if indent.is_some() => (",".into(), ": ".into()),
        None => (", ".into(), ": ".into()),
    };
    let ascii = options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false);
    let sort = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let mut json = Json { out: String::new(), indent, item, key, ascii, sort, depth: 0 };
    json.value(value)?;
    Ok(Value::from(json.out))
}

struct Json {
    out: String,
    indent: Option<String>,
    item: String,
    key: String,
    ascii: bool,
    sort: bool,
    depth: usize,
}

impl Json {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        limits::items(value)?;
        limits::size(self.out.len() + self.depth.saturating_mul(self.indent.as_ref().map_or(0, String::len)))?;
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => self.out.push_str(&value.to_string()),
            ValueKind::Number => self.out.push_str(&python_float(f64::try_from(value.clone())?)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.list('[', ']', &items, |json, item| json.value(item))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sort {
                    keys.sort();
                }
                self.list('{', '}', &keys, |json, key| {
                    json.string(&key.to_string());
                    json.out.push_str(&json.key.clone());
                    json.value(&value.get_item(key)?)
                })?;
            }
            kind => return Err(Error::new(ErrorKind::InvalidOperation, format!("{kind} cannot be written as JSON"))),
        }
        Ok(())
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        items: &[Value],
        mut write: impl FnMut(&mut Json, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.out.push(open);
        self.depth += 1;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(&self.item);
            }
            self.line();
            write(self, item)?;
        }
        self.depth -= 1;
        if !items.is_empty() {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(indent.as_str(), self.depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for char in text.chars() {
            match char {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                // Characters that mean nothing to Unicode stand in for others (`tokenizer/literal.rs`), which are escaped or not by themselves.
                '\u{fdd0}'..='\u{fdef}' => self.out.push(char),
                char if char < ' ' || self.ascii && !(' '..='~').contains(&char) => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                char => self.out.push(char),
            }
        }
        self.out.push('"');
    }
}

/// A float as Python prints it: Rust's shortest digits, with a signed exponent of two digits.
fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent.parse().expect("Rust writes whole exponents");
            format!("{}e{}{:02}", digits.strip_suffix(".0").unwrap_or(digits), if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        None => text,
    }
}

/// `strftime` for the directives that have one meaning in English: those of the C locale but for week numbers.
fn strftime(format: &str, unix_seconds: f64) -> String {
    let seconds = unix_seconds.floor() as i64;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let weekday = (days + 4).rem_euclid(7) as usize;
    let month_name =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
            [month as usize - 1];
    let weekday_name = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][weekday];
    let hour12 = (hour + 11) % 12 + 1;
    let half = if hour < 12 { "AM" } else { "PM" };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        let mut directive = chars.next();
        let bare = directive == Some('-');
        if bare {
            directive = chars.next();
        }
        let number = |value: i64, width: usize| if bare { value.to_string() } else { format!("{value:0width$}") };
        match directive {
            Some('Y') => out.push_str(&year.to_string()),
            Some('y') => out.push_str(&number(year.rem_euclid(100), 2)),
            Some('m') => out.push_str(&number(month, 2)),
            Some('d') => out.push_str(&number(day, 2)),
            Some('e') => out.push_str(&format!("{day:2}")),
            Some('H') => out.push_str(&number(hour, 2)),
            Some('I') => out.push_str(&number(hour12, 2)),
            Some('M') => out.push_str(&number(minute, 2)),
            Some('S') => out.push_str(&number(second, 2)),
            Some('j') => out.push_str(&number(days - days_from_civil(year) + 1, 3)),
            Some('B') => out.push_str(month_name),
            Some('b' | 'h') => out.push_str(&month_name[..3]),
            Some('A') => out.push_str(weekday_name),
            Some('a') => out.push_str(&weekday_name[..3]),
            Some('p') => out.push_str(half),
            Some('F') => out.push_str(&format!("{year}-{month:02}-{day:02}")),
            Some('T') => out.push_str(&format!("{hour:02}:{minute:02}:{second:02}")),
            Some('s') => out.push_str(&seconds.to_string()),
            Some('z') => out.push_str("+0000"),
            Some('Z') => out.push_str("UTC"),
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // 400 years are 146,097 days, so the search below starts at most one year off.
    let mut year = 1970 + days.div_euclid(146_097) * 400 + days.rem_euclid(146_097) * 400 / 146_097;
    while days_from_civil(year + 1) <= days {
        year += 1;
    }
    while days_from_civil(year) > days {
        year -= 1;
    }
    let mut day = days - days_from_civil(year);
    let leap = days_from_civil(year + 1) - days_from_civil(year) == 366;
    let mut month = 1;
    for length in [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

/// Days from 1970-01-01 to the first of January of a year.
fn days_from_civil(year: i64) -> i64 {
    let before = year - 1;
    365 * (year - 1970) + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 477
}

#[cfg(test)]
mod tests;
