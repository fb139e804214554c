//! The parameters that compiled libraries expect against those that real packages hold.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tegula_compiler::{CompileOptions, Config, compile};

/// Name to shape and element type.
type Tensors = BTreeMap<String, (Vec<u64>, String)>;

fn held(cache: &str) -> Tensors {
    let cache: Value = serde_json::from_str(cache).unwrap();
    let records = cache["records"].as_array().unwrap().iter().flat_map(|shard| shard["records"].as_array().unwrap());
    let tensor = |record: &Value| {
        let shape = record["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).collect();
        (record["name"].as_str().unwrap().to_owned(), (shape, record["dtype"].as_str().unwrap().to_owned()))
    };
    records.map(tensor).collect()
}

#[test]
fn libraries_expect_what_real_packages_hold() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mlc-examples");
    if !examples.exists() {
        eprintln!("skipped: ../shared/data is absent");
        return;
    }
    for package in std::fs::read_dir(examples).unwrap() {
        let package = package.unwrap().path();
        let text = |name: &str| std::fs::read_to_string(package.join(name)).unwrap();
        let config = Config::parse(&text("mlc-chat-config.json")).unwrap();
        let plan = compile(&config, &CompileOptions::default()).unwrap().plan;
        let expected: Tensors = plan.params.into_iter().map(|param| (param.name, (param.shape, param.dtype.name().to_owned()))).collect();
        assert_eq!(expected, held(&text("tensor-cache.json")), "{}", package.display());
    }
}
