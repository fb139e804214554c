//! From a template to a kernel.

use super::canonical::canonical;
use super::constants::Constants;
use super::declaration::{Declaration, declarations};
use super::loops::Loops;
use super::reflect::{Reflection, reflect};
use super::{Slots, Value, file, wrong};
use crate::Error;
use crate::digest::digest;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};
use tegula_edit::{Edits, Token, span, tokens};

/// A kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its text.
    pub text: String,
    /// What naga says of it.
    pub reflection: Reflection,
}

/// Follows the imports of a template, with some redirected, sets constants, numbers bindings, and
/// writes loops so that browsers and drivers take them.
///
/// # Errors
/// [`crate::ErrorKind::Template`] where a file, a slot or a constant does not exist, or a loop is
/// of another kind: a defect of the compiler or of a template. The same where an assertion does not
/// hold: the values do not go together.
pub fn build(template: &str, slots: Slots<'_>, values: &[(&str, Value)]) -> Result<Built, Error> {
    let text = edit(template, slots, values)?;
    Ok(Built { reflection: reflect(template, &text)?, text })
}

/// The text alone.
pub(super) fn edit(template: &str, slots: Slots<'_>, values: &[(&str, Value)]) -> Result<String, Error> {
    let joined = file::join(template, slots)?;
    let all = tokens(&joined);
    let declarations = declarations(&all);
    let values: BTreeMap<&str, String> = values.iter().map(|(name, value)| (*name, value.to_string())).collect();
    let mut edits = Edits::default();
    set_constants(template, &all, &declarations, &values, &mut edits)?;
    number_bindings(&all, &declarations, &mut edits);
    let constants = Constants::read(template, &joined, &all, &declarations, &values)?;
    let loops = Loops { template, text: &joined, tokens: &all, constants: &constants };
    for function in declarations.iter().filter(|declaration| declaration.keyword == "fn") {
        loops.edit(function.tokens.clone(), &mut edits)?;
    }
    Ok(edits.apply(&joined, 0..joined.len()))
}

/// Replaces what constants are made of.
fn set_constants(
    template: &str,
    all: &[Token<'_>],
    declarations: &[Declaration<'_>],
    values: &BTreeMap<&str, String>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    for (name, value) in values {
        let mut named = declarations.iter().filter(|declaration| declaration.keyword == "const" && declaration.name == *name);
        match (named.next(), named.next()) {
            (Some(constant), None) => edits.replace(span(constant.initializer(all)), value.clone()),
            (first, _) => {
                let times = if first.is_some() { "more than once" } else { "nowhere" };
                return Err(wrong(template, &format!("it declares the constant {name} {times}")));
            }
        }
    }
    Ok(())
}

/// Numbers bindings in the order of the text: the uniform is 0, storage follows from 1.
fn number_bindings(all: &[Token<'_>], declarations: &[Declaration<'_>], edits: &mut Edits<'_>) {
    let mut next = 1;
    for variable in declarations.iter().filter(|declaration| declaration.keyword == "var") {
        let attributes = &all[variable.tokens.start..variable.start];
        let Some(number) = attributes.windows(3).find(|window| window[0].is("binding") && window[1].is("(")) else { continue };
        let is_uniform = all.get(variable.start + 2).is_some_and(|space| space.is("uniform"));
        edits.replace(span(&number[2..]), if is_uniform { 0 } else { next }.to_string());
        next += u32::from(!is_uniform);
    }
}

/// Names what a template computes, with some modules redirected and the constants of these names
/// left open: see [`canonical`](super::canonical). The tunables of the template are open, too.
///
/// # Errors
/// Those of [`build`] for files and slots.
pub fn fingerprint(template: &str, slots: Slots<'_>, open: &[&str]) -> Result<u64, Error> {
    // A search asks for the same few again and again.
    static KNOWN: OnceLock<Mutex<HashMap<String, u64>>> = OnceLock::new();
    let known = || KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let key = format!("{template} {slots:?} {open:?}");
    if let Some(found) = known().get(&key) {
        return Ok(*found);
    }
    let tunables = file::tunables(template)?.iter().map(|(name, _)| *name);
    let open: Vec<&str> = open.iter().copied().chain(tunables).collect();
    let found = digest(&canonical(&file::join(template, slots)?, &open));
    known().insert(key, found);
    Ok(found)
}
