//! What is said of tensors that a conversion does not use.

use crate::checkpoints::{Element, Folder, Tensor, config, number, tensors};
use crate::{converted, options};
use serde_json::json;
use tegula_compiler::convert::Warning;

#[test]
fn unused_tensors_are_reported_unless_they_hold_nothing_new() {
    let mut tensors = tensors(Element::F32);
    tie(&mut tensors);
    for name in ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.value_head.weight"] {
        tensors.push(number(name, &[4], Element::F32, 1.0));
    }
    let folder = Folder::new(&config(&[("tie_word_embeddings", json!(true))]), &tensors);
    let (package, report) = converted(&folder, &options("q0f32"));
    assert_eq!(report.warnings, [Warning::UnusedTensors(vec!["model.value_head.weight".into()]), Warning::NoTokenizer]);
    assert!(report.warnings[0].to_string().contains("model.value_head.weight"));
    assert!(!package.text("tensor-cache.json").contains("lm_head"));
}

/// The output layer becomes a copy of the embedding.
fn tie(tensors: &mut [Tensor]) {
    let table = tensors.iter().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap().clone();
    let head = tensors.iter_mut().find(|tensor| tensor.name == "lm_head.weight").unwrap();
    (head.shape, head.values) = (table.shape, table.values);
}

/// Where the config ties the output layer, the embedding is used, and a word is said if the checkpoint has something else.
#[test]
fn an_output_layer_that_is_not_used_is_reported_where_it_differs() {
    let head = |tensors: &mut Vec<Tensor>| tensors.iter().position(|tensor| tensor.name == "lm_head.weight").unwrap();
    let check = |tied: bool, change: &dyn Fn(&mut Vec<Tensor>), expected: &[Warning]| {
        let mut tensors = tensors(Element::Bf16);
        tie(&mut tensors);
        change(&mut tensors);
        let folder = Folder::new(&config(&[("tie_word_embeddings", json!(tied))]), &tensors);
        let (package, report) = converted(&folder, &options("q0f32"));
        assert_eq!(report.warnings, [expected, &[Warning::NoTokenizer]].concat());
        assert_eq!(package.text("tensor-cache.json").contains("lm_head"), !tied);
    };
    check(true, &|_| {}, &[]);
    check(
        true,
        &|tensors| {
            let at = head(tensors);
            tensors.remove(at);
        },
        &[],
    );
    // bfloat16 holds no number that single precision does not.
    check(
        true,
        &|tensors| {
            let at = head(tensors);
            tensors[at].values.iter_mut().for_each(|value| *value = half::bf16::from_f32(*value).to_f32());
            tensors[at].element = Element::F32;
        },
        &[],
    );
    check(
        true,
        &|tensors| {
            let at = head(tensors);
            *tensors[at].values.last_mut().unwrap() = 3.0;
        },
        &[Warning::HeadIgnored],
    );
    check(
        true,
        &|tensors| {
            let at = head(tensors);
            tensors[at].shape[0] -= 1;
        },
        &[Warning::HeadIgnored],
    );
    check(
        false,
        &|tensors| {
            let at = head(tensors);
            tensors[at].values[0] = 3.0;
        },
        &[],
    );
    let shown = Warning::HeadIgnored.to_string();
    assert!(shown.contains("lm_head.weight") && shown.contains("tie_word_embeddings"), "{shown}");
}

/// A text model in a module of its own has an output layer there, too.
#[test]
fn parts_for_images_are_left_out_and_counted() {
    let names = |name: &str, text: &str, head: &str| match name.strip_prefix("model.") {
        Some(rest) => format!("{text}.{rest}"),
        None => format!("{head}{name}"),
    };
    for (text, head) in [("model.language_model", ""), ("language_model.model", "language_model."), ("model.text_model", "")] {
        let mut tensors = tensors(Element::Bf16);
        tensors.iter_mut().for_each(|tensor| tensor.name = names(&tensor.name, text, head));
        for name in ["vision_tower.patch.weight", "model.connector.weight", "multi_modal_projector.linear.weight"] {
            tensors.push(number(name, &[4], Element::Bf16, 1.0));
        }
        let folder = Folder::new(&config(&[("tie_word_embeddings", json!(false))]), &tensors);
        let (package, report) = converted(&folder, &options("q0f32"));
        let parts = vec!["connector", "multi_modal_projector", "vision_tower"];
        assert_eq!(report.warnings, [Warning::TextOnly { tensors: 3, parts }, Warning::NoTokenizer]);
        assert!(package.text("tensor-cache.json").contains("lm_head"), "it is not tied");
    }
}
