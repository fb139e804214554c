//! The tables of fields against OpenAI's published contract.

use std::collections::BTreeMap;

use super::fields::{CALL, CHAT, COMPLETION, MESSAGE, PART, SHARED, TOOL};

/// Names of the properties of a schema of OpenAI's contract, with those of the schemas that it is made of.
fn properties(schemas: &BTreeMap<&str, Vec<&str>>, name: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = &schemas[name];
    let own = lines.iter().filter(|line| line.trim() == "properties:").map(|line| indent(line)).min().unwrap_or(0);
    let mut names = Vec::new();
    let mut within = false;
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        if let Some(path) = line.strip_prefix("        - $ref: \"#/components/schemas/") {
            names.extend(properties(schemas, path.trim_end_matches('"')));
        } else if indent(line) <= own {
            within = line.trim() == "properties:";
        } else if within && indent(line) == own + 2 {
            names.push(line.trim().trim_end_matches(':').to_owned());
        }
    }
    names
}

#[test]
fn every_field_of_openais_contract_is_known() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/openai/openapi.yaml");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: {path} is absent");
        return;
    };
    let mut schemas = BTreeMap::<&str, Vec<&str>>::new();
    let mut current = "";
    for line in text.lines().skip_while(|line| *line != "  schemas:").skip(1) {
        match line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')).and_then(|rest| rest.strip_suffix(':')) {
            Some(name) => current = name,
            None => schemas.entry(current).or_default().push(line),
        }
    }
    let tables = [
        ("CreateChatCompletionRequest", [CHAT, SHARED], 36),
        ("CreateCompletionRequest", [COMPLETION, SHARED], 18),
        ("ChatCompletionRequestSystemMessage", [MESSAGE, &[]], 3),
        ("ChatCompletionRequestDeveloperMessage", [MESSAGE, &[]], 3),
        ("ChatCompletionRequestUserMessage", [MESSAGE, &[]], 3),
        ("ChatCompletionRequestAssistantMessage", [MESSAGE, &[]], 7),
        ("ChatCompletionRequestToolMessage", [MESSAGE, &[]], 3),
        ("ChatCompletionRequestMessageContentPartText", [PART, &[]], 2),
        ("ChatCompletionMessageToolCall", [CALL, &[]], 3),
        ("ChatCompletionTool", [TOOL, &[]], 2),
    ];
    for (schema, fields, count) in tables {
        let names = properties(&schemas, schema);
        assert!(names.len() >= count, "{schema} has {} fields: {names:?}", names.len());
        for name in names {
            assert!(fields.iter().copied().flatten().any(|field| field.name == name), "{schema}: `{name}` is neither honoured nor refused");
        }
    }
}
