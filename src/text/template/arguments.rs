//! Arguments of methods and filters that templates call, and the error where one does not fit.

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};

/// The error of a call that cannot be answered.
pub fn failed(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

/// Arguments by place or name; `None` for those left out.
pub fn named(args: &[Value], names: &[&str]) -> Result<[Option<Value>; 4], Error> {
    let (places, options) = match args.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Kwargs::try_from(last.clone())?),
        _ => (args, std::iter::empty::<(&str, Value)>().collect()),
    };
    if places.len() > names.len() {
        return Err(ErrorKind::TooManyArguments.into());
    }
    let mut out = [const { None }; 4];
    for (index, name) in names.iter().enumerate() {
        let value = match places.get(index) {
            Some(value) => Some(value.clone()),
            None => options.get::<Option<Value>>(name)?,
        };
        out[index] = value.filter(|value| !value.is_none());
    }
    options.assert_all_used()?;
    Ok(out)
}
