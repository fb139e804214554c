//! Prompts as MLC packages describe them, for those without a Jinja template.
//!
//! A prompt is the system part, then each message as `role + separator + text + end`, then the opening
//! of the answer. Neighbouring strings are joined before they are tokenized, as MLC's server does; only
//! the ids of `system_prefix_token_ids` stay apart.

use tegula_package::mlc::conversation::Conversation;

use crate::{ErrorKind, Result};

/// The prompt after [`Conversation::system_prefix_token_ids`], for messages as (role, text), ready for the assistant's answer.
///
/// # Errors
/// [`ErrorKind::UnsupportedRole`] where the template has no such role.
pub(super) fn render<'a>(conversation: &Conversation, messages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<String> {
    let messages: Vec<_> = messages.into_iter().enumerate().collect();
    let is_system = |role: &str| matches!(role, "system" | "developer");
    let mut system = conversation.system_message.clone();
    for (index, (_, text)) in messages.iter().filter(|(_, (role, _))| is_system(role)) {
        if *index == 0 {
            system.clear();
        } else {
            system.push('\n');
        }
        system.push_str(text);
    }
    let mut prompt = String::new();
    fill(&mut prompt, &conversation.system_template, &[("{system_message}", &system)]);
    // The system part may name the role of the first message itself, even around an empty text.
    let mut named = !conversation.add_role_after_system_message && !prompt.is_empty();
    for (index, (role, text)) in messages {
        let (name, template, slot) = match role {
            role if is_system(role) => continue,
            "user" => (&conversation.roles.user, &conversation.role_templates.user, "{user_message}"),
            "assistant" => (&conversation.roles.assistant, &conversation.role_templates.assistant, "{assistant_message}"),
            "tool" => {
                (conversation.roles.tool.as_ref().unwrap_or(&conversation.roles.user), &conversation.role_templates.tool, "{tool_message}")
            }
            other => return Err(ErrorKind::UnsupportedRole { index, role: other.into() }.into()),
        };
        if !std::mem::take(&mut named) {
            prompt.push_str(name);
            prompt.push_str(&conversation.role_content_sep);
        }
        fill(&mut prompt, template, &[(slot, text), ("{function_string}", &conversation.function_string)]);
        prompt.push_str(end_of(conversation, role));
    }
    prompt.push_str(&conversation.roles.assistant);
    prompt.push_str(&conversation.role_empty_sep);
    Ok(prompt)
}

fn end_of<'a>(conversation: &'a Conversation, role: &str) -> &'a str {
    let index = usize::from(role == "assistant").min(conversation.seps.len().saturating_sub(1));
    conversation.seps.get(index).map_or("", String::as_str)
}

/// Writes a template with its slots filled, in one pass: what is filled in is never searched for slots itself.
fn fill(out: &mut String, template: &str, slots: &[(&str, &str)]) {
    let mut rest = template;
    while let Some((at, slot, text)) = slots.iter().filter_map(|(slot, text)| Some((rest.find(slot)?, slot, text))).min() {
        out.push_str(&rest[..at]);
        out.push_str(text);
        rest = &rest[at + slot.len()..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, messages: &[(&str, &str)], prompt: &str) {
        let conversation: Conversation = serde_json::from_str(json).unwrap();
        assert_eq!(super::render(&conversation, messages.iter().copied()).unwrap(), prompt);
    }

    const CHATML: &str = r#"{
        "system_template": "<|im_start|>system\n{system_message}<|im_end|>\n", "system_message": "Be kind.",
        "roles": {"user": "<|im_start|>user", "assistant": "<|im_start|>assistant"},
        "seps": ["<|im_end|>\n"], "role_content_sep": "\n", "role_empty_sep": "\n"
    }"#;

    #[test]
    fn writes_chatml() {
        check(
            CHATML,
            &[("user", "Hi"), ("assistant", "Hello"), ("user", "$$x$$ {user_message}")],
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n\
             <|im_start|>user\n$$x$$ {user_message}<|im_end|>\n<|im_start|>assistant\n",
        );
    }

    #[test]
    fn the_conversation_has_its_own_system_text() {
        check(
            CHATML,
            &[("system", "Be brief."), ("user", "Hi")],
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        );
    }

    #[test]
    fn writes_inst_style() {
        check(
            r#"{
                "system_template": "[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n", "add_role_after_system_message": false,
                "roles": {"user": "[INST]", "assistant": "[/INST]"}, "seps": [" ", " </s><s>"],
                "role_content_sep": " ", "role_empty_sep": " "
            }"#,
            &[("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")],
            "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Bye [/INST] ",
        );
    }

    #[test]
    fn a_system_part_without_text_still_names_the_role() {
        let inst = |system_template: &str, more: &str| {
            let text = format!(
                r#"{{"system_template": "{system_template}", "add_role_after_system_message": false,
                "roles": {{"user": "[INST]", "assistant": "[/INST]"}}, "seps": [" ", "</s>"],
                "role_content_sep": " ", "role_empty_sep": " "{more}}}"#
            );
            move |messages: &[(&str, &str)], prompt: &str| check(&text, messages, prompt)
        };
        let turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")];
        let rest = "Hi [/INST] Hello</s>[INST] Bye [/INST] ";
        inst("[INST] {system_message}", "")(&turns, &format!("[INST] {rest}"));
        inst("[INST] {system_message}", r#", "system_message": """#)(&turns, &format!("[INST] {rest}"));
        inst("[INST] {system_message}", r#", "system_message": "Be kind. ""#)(&turns, &format!("[INST] Be kind. {rest}"));
        let with_empty = [("system", ""), turns[0], turns[1], turns[2]];
        inst("[INST] {system_message}", r#", "system_message": "Be kind. ""#)(&with_empty, &format!("[INST] {rest}"));
        // Without a system part nothing has named it.
        inst("{system_message}", "")(&turns, &format!("[INST] {rest}"));
        inst("", "")(&turns, &format!("[INST] {rest}"));
    }
}
