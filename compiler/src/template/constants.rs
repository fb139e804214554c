//! The values of a kernel's constants.
//!
//! Constants refer to nothing but constants, so that naga can work them out, and check the
//! assertions about them, without the rest of the text: most of a kernel need not be read to find
//! that a schedule is not legal.

use super::declaration::Declaration;
use super::wrong;
use crate::Error;
use naga::{Expression, Handle, Literal, Module};
use std::collections::BTreeMap;
use std::fmt::Write;
use tegula_edit::{Token, span};

/// The names of all constants, with the values of those that are a `u32`.
pub(super) struct Constants(BTreeMap<String, Option<u32>>);

impl Constants {
    /// Reads constants and assertions. `values` takes the place of what some are made of.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Template`] with naga's message, also for an assertion that does not
    /// hold.
    pub fn read(
        template: &str,
        text: &str,
        all: &[Token<'_>],
        declarations: &[Declaration<'_>],
        values: &BTreeMap<&str, String>,
    ) -> Result<Constants, Error> {
        let mut own = String::new();
        for declaration in declarations.iter().filter(|declaration| ["const", "const_assert"].contains(&declaration.keyword)) {
            let whole = span(&all[declaration.start..declaration.tokens.end]);
            let written = match (values.get(declaration.name), declaration.initializer(all)) {
                (Some(value), initializer @ [_, ..]) => writeln!(own, "{}{value};", &text[whole.start..span(initializer).start]),
                _ => writeln!(own, "{}", &text[whole]),
            };
            written.expect("a string takes any text");
        }
        let module = naga::front::wgsl::parse_str(&own).map_err(|error| wrong(template, &error.emit_to_string(&own)))?;
        let names = declarations.iter().filter(|declaration| declaration.keyword == "const");
        Ok(Constants(names.map(|declaration| (declaration.name.to_owned(), named(&module, declaration.name))).collect()))
    }

    /// Whether this is the name of a constant.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a constant of type `u32`.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied().flatten()
    }
}

/// The value of a constant by name.
fn named(module: &Module, name: &str) -> Option<u32> {
    let (_, constant) = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name))?;
    number(module, constant.init)
}

/// The value of a constant expression of type `u32`.
pub(super) fn number(module: &Module, expression: Handle<Expression>) -> Option<u32> {
    match module.global_expressions[expression] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        Expression::Constant(constant) => number(module, module.constants[constant].init),
        _ => None,
    }
}
