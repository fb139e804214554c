//! The formats of real templates: those of the shared data where it is present, and that of the embedded model.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::families::*;
use super::shape::{Calls, Reasoning};
use super::tests::parsed;
use super::{Format, Piece};

type Expected = (&'static str, Option<&'static Calls>, Option<&'static Reasoning>);

const TEMPLATES: &[Expected] = &[
    ("Apertus-8B-Instruct.jinja", Some(&APERTUS), Some(&THINK_APERTUS)),
    ("Apriel-1.6-15b-Thinker-fixed.jinja", Some(&APRIEL), Some(&THINK_APRIEL)),
    ("Bielik-11B-v3.0-Instruct.jinja", Some(&HERMES), Some(&THINK)),
    ("ByteDance-Seed-OSS.jinja", Some(&SEED), Some(&THINK_SEED)),
    ("CohereForAI-c4ai-command-r-plus-tool_use.jinja", Some(&COMMAND_R), None),
    ("CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", Some(&COMMAND_R7B), Some(&THINK_COMMAND)),
    ("GLM-4.6.jinja", Some(&GLM), Some(&THINK)),
    ("GLM-4.7-Flash.jinja", Some(&GLM), Some(&THINK)),
    ("GigaChat3-10B-A1.8B.jinja", Some(&GIGACHAT_3), None),
    ("GigaChat3.1-10B-A1.8B.jinja", Some(&GIGACHAT_3_1), None),
    ("HuggingFaceTB-SmolLM2-Instruct.jinja", None, None),
    ("HuggingFaceTB-SmolLM3-3B.jinja", None, Some(&THINK)),
    ("Kimi-K2-Instruct.jinja", Some(&KIMI), None),
    ("Kimi-K2-Thinking.jinja", Some(&KIMI), Some(&THINK)),
    ("LFM2-8B-A1B.jinja", Some(&LFM), None),
    ("LFM2.5-Instruct.jinja", Some(&LFM), Some(&THINK)),
    ("MiMo-VL.jinja", Some(&HERMES), None),
    ("MiniMax-M2.jinja", Some(&MINIMAX), Some(&THINK)),
    ("Mistral-Small-3.2-24B-Instruct-2506.jinja", Some(&MISTRAL), None),
    ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.jinja", Some(&QWEN_CODER), Some(&THINK)),
    ("NVIDIA-Nemotron-Nano-v2.jinja", Some(&NEMOTRON), Some(&THINK)),
    ("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", Some(&HERMES), None),
    ("NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", Some(&HERMES), None),
    ("Qwen-QwQ-32B.jinja", Some(&HERMES), Some(&THINK)),
    ("Qwen-Qwen2.5-7B-Instruct.jinja", Some(&HERMES), None),
    ("Qwen-Qwen3-0.6B.jinja", Some(&HERMES), Some(&THINK)),
    ("Qwen3-Coder.jinja", Some(&QWEN_CODER), None),
    ("Qwen3.5-4B.jinja", Some(&QWEN_CODER), Some(&THINK)),
    ("Reka-Edge.jinja", Some(&HERMES), Some(&THINK)),
    ("StepFun3.5-Flash.jinja", Some(&QWEN_CODER), Some(&THINK)),
    ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", Some(&DEEPSEEK_R1), Some(&THINK)),
    ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", Some(&DEEPSEEK_R1), Some(&THINK)),
    ("deepseek-ai-DeepSeek-V3.1.jinja", Some(&DEEPSEEK_V3_1), Some(&THINK)),
    ("deepseek-ai-DeepSeek-V3.2.jinja", Some(&DEEPSEEK_V3_2), Some(&THINK)),
    ("fireworks-ai-llama-3-firefunction-v2.jinja", Some(&FUNCTOOLS), None),
    ("google-gemma-2-2b-it.jinja", None, None),
    ("google-gemma-4-31B-it-interleaved.jinja", Some(&GEMMA_4), Some(&THINK_GEMMA)),
    ("google-gemma-4-31B-it.jinja", Some(&GEMMA_4), Some(&THINK_GEMMA)),
    ("ibm-granite-granite-3.3-2B-Instruct.jinja", Some(&GRANITE), Some(&THINK)),
    ("ibm-granite-granite-4.0.jinja", Some(&HERMES), None),
    ("llama-cpp-deepseek-r1.jinja", Some(&DEEPSEEK_R1), Some(&THINK)),
    ("llama-cpp-rwkv-world.jinja", None, Some(&THINK)),
    ("meetkai-functionary-medium-v3.1.jinja", Some(&FUNCTIONARY_3_1), None),
    ("meetkai-functionary-medium-v3.2.jinja", Some(&FUNCTIONARY_3_2), None),
    ("meta-llama-Llama-3.1-8B-Instruct.jinja", Some(&LLAMA), None),
    ("meta-llama-Llama-3.2-3B-Instruct.jinja", Some(&LLAMA), None),
    ("meta-llama-Llama-3.3-70B-Instruct.jinja", Some(&LLAMA), None),
    ("microsoft-Phi-3.5-mini-instruct.jinja", None, None),
    ("mistralai-Ministral-3-14B-Reasoning-2512.jinja", Some(&MISTRAL), Some(&THINK_MISTRAL)),
    ("mistralai-Mistral-Nemo-Instruct-2407.jinja", Some(&MISTRAL_LIST), None),
    ("mistralai-v3-from-llamacpp-tests.jinja", Some(&MISTRAL_LIST), None),
    ("moonshotai-Kimi-K2.jinja", Some(&KIMI), None),
    ("openai-gpt-oss-120b.jinja", Some(&HARMONY), Some(&THINK_HARMONY)),
    ("stepfun-ai-Step-3.5-Flash.jinja", Some(&QWEN_CODER), Some(&THINK)),
    ("unsloth-Apriel-1.5.jinja", Some(&APRIEL), Some(&THINK_APRIEL)),
    ("unsloth-mistral-Devstral-Small-2507.jinja", Some(&MISTRAL), None),
    ("upstage-Solar-Open-100B.jinja", Some(&SOLAR), Some(&THINK_SOLAR)),
    ("zephyr-TinyLlama-1.1B-Chat-v1.0.jinja", None, None),
];

fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn formats_of_real_templates() {
    let data = beside("../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data is absent");
        return;
    }
    let templates = data.join("chat-templates");
    for (file, calls, reasoning) in TEMPLATES {
        let format = Format::of(&std::fs::read_to_string(templates.join(file)).unwrap());
        assert_eq!((format.calls, format.reasoning), (*calls, *reasoning), "{file}");
    }
    let known: Vec<_> = TEMPLATES.iter().map(|entry| entry.0).collect();
    for entry in std::fs::read_dir(templates).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".jinja") || known.contains(&name.as_str()), "{name} is not in the table");
    }
}

#[test]
fn templates_that_are_not_at_hand() {
    let cases: &[(&str, &Calls)] = &[
        ("<|tool|>' + message['tools'] + '<|/tool|>", &FUNCTOOLS),
        ("{{ '<start_function_call>call:' + name }}", &FUNCTION_GEMMA),
        ("<|python_start|>", &LLAMA),
        ("in the format of [func_name1(params_name1=params_value1)]", &LLAMA),
        ("<|tool_call_start|>", &LFM),
    ];
    for (template, calls) in cases {
        assert_eq!(Format::of(template).calls, Some(*calls), "{template}");
    }
    assert_eq!(Format::of("{{ messages }}"), Format::default());
}

#[test]
fn the_embedded_model() {
    let model = beside("models/tegula-tiny");
    let config = std::fs::read_to_string(model.join("tokenizer_config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let format = Format::of(config["chat_template"].as_str().unwrap());
    assert_eq!(format, Format { calls: Some(&HERMES), reasoning: None, silent: &[] });

    let mut calls = 0;
    for line in std::fs::read_to_string(model.join("heldout.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let reference = &line["reference"];
        let mut text = reference["content"].as_str().unwrap_or_default().to_string();
        let content: Vec<Piece> = if text.is_empty() { vec![] } else { vec![Piece::Content(text.clone())] };
        let mut expected = content;
        for (index, call) in reference["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let (name, arguments) = (call["function"]["name"].as_str().unwrap(), call["function"]["arguments"].to_string());
            let before = if text.is_empty() { "" } else { "\n" };
            text += &format!("{before}<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>");
            expected.push(Piece::Call { index, id: None, name: name.to_string() });
            expected.push(Piece::Arguments { index, text: arguments });
            calls += 1;
        }
        let tools = Some(&line["tools"]).filter(|tools| tools.is_array());
        assert_eq!(parsed(&format, "<|im_start|>assistant\n", &[&text], tools), expected, "{line}");
    }
    assert!(calls > 0);
}
