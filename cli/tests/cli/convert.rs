//! What `tegula convert` makes of checkpoints whose files are odd: the runtime reads the package.

use std::fs;

use serde_json::json;
use tegula::config::ChatConfig;

use crate::folder::Folder;

/// The chat config of a package of `source`, as the runtime reads it, and what was said.
fn converted(folder: &Folder) -> (ChatConfig, String) {
    let output = folder.run(&["convert", "source", "-o", "package"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (ChatConfig::parse(&fs::read_to_string(folder.path("package/mlc-chat-config.json")).unwrap()).unwrap(), said)
}

#[test]
fn a_package_can_be_run_whatever_generation_config_says() {
    let folder = Folder::new("llama");
    let nonsense = json!({"temperature": -1, "top_p": 3, "top_k": -7, "min_p": 2, "repetition_penalty": 0, "pad_token_id": "x",
        "presence_penalty": 9, "frequency_penalty": "0", "eos_token_id": [2, "</s>"], "bos_token_id": [1, -1]});
    fs::write(folder.path("source/generation_config.json"), nonsense.to_string()).unwrap();
    let (config, said) = converted(&folder);
    for (setting, value) in nonsense.as_object().unwrap().iter().filter(|(setting, _)| *setting != "bos_token_id") {
        assert!(said.contains(&format!("warning: `{setting}` in generation_config.json is {value}")), "{setting} in {said}");
    }
    assert_eq!((config.temperature, config.top_p, config.repetition_penalty), (Some(1.0), Some(1.0), Some(1.0)));
    assert_eq!((config.bos_token_id.as_slice(), config.eos_token_id.as_slice()), (&[1][..], &[2][..]));

    let greedy = json!({"do_sample": false, "temperature": 0.6, "top_p": 0.9, "pad_token_id": -1});
    fs::write(folder.path("source/generation_config.json"), greedy.to_string()).unwrap();
    let (config, said) = converted(&folder);
    assert_eq!(config.temperature, Some(0.0));
    assert!(config.pad_token_id.as_slice().is_empty() && !said.contains("generation_config"), "{said}");
}
