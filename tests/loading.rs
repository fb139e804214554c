//! Loading a package into the handwritten library of [`crate::adder`]: damaged shards, packages that do not fit, and loading without a
//! package.

use futures::executor::block_on;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::{Error, ErrorKind};

use crate::adder::{gpu, library, loader, logits, manifest, plan, prefill, shard};

#[test]
fn damaged_shards_are_told_and_can_be_loaded_again() {
    let Some(gpu) = gpu() else { return };
    let mut loader = loader(&gpu, Budget::default());
    let mut damaged = shard();
    damaged[5] ^= 1;
    loader.begin(0).unwrap();
    loader.push(&damaged).unwrap();
    let error = loader.end().unwrap_err();
    let ErrorKind::CorruptShard { shard: name, expected, found } = error.kind() else { panic!("{error}") };
    assert_eq!(name, "params_shard_0.bin");
    assert!(expected != found && expected.len() == 32 && found.len() == 32, "{error}");

    loader.begin(0).unwrap();
    loader.push(&shard()[..19]).unwrap();
    assert!(matches!(loader.end().unwrap_err().kind(), ErrorKind::ShardLength { expected: 20, found: 19, .. }));
    loader.begin(0).unwrap();
    loader.push(&shard()).unwrap();
    assert!(matches!(loader.push(&[0]).unwrap_err().kind(), ErrorKind::ShardLength { expected: 20, found: 21, .. }));

    let misplaced = |result: tegula::Result<()>| matches!(result.unwrap_err().kind(), ErrorKind::LoadOrder { .. });
    assert!(misplaced(loader.push(&[0])) && misplaced(loader.end()) && misplaced(loader.begin(1)));
    loader.begin(0).unwrap();
    loader.push(&shard()[..11]).unwrap();
    loader.begin(0).unwrap();
    shard().chunks(6).for_each(|bytes| loader.push(bytes).unwrap());
    loader.end().unwrap();
    assert_eq!(prefill(&mut block_on(loader.finish()).unwrap(), 0, 0, &[3]), logits(3));
    let unfinished = self::loader(&gpu, Budget::default());
    assert!(misplaced(block_on(unfinished.finish()).map(|_| ())));
}

#[test]
fn packages_that_do_not_fit_are_refused_before_anything_is_allocated() {
    let Some(gpu) = gpu() else { return };
    let refused = |change: fn(&mut serde_json::Value), config: Option<&str>| -> Error {
        Loader::new(gpu.clone(), &library(&plan()), config, &manifest(change), Budget::default()).map(|_| ()).unwrap_err()
    };
    let error = refused(|json| json["records"][0]["records"][0]["name"] = "other".into(), None);
    assert!(
        matches!(error.kind(), ErrorKind::MissingParam { name, expected, more } if name == "weight" && expected == "float32 [4]" && more.is_empty())
    );
    let error = refused(|json| json["records"][0]["records"][2]["shape"] = vec![2, 2].into(), None);
    let ErrorKind::ParamMismatch { name, expected, found, .. } = error.kind() else { panic!("{error}") };
    assert_eq!([name, expected, found], ["gain", "float16 [4]", "float16 [2, 2]"]);
    let both = |json: &mut serde_json::Value| {
        for index in [0, 2] {
            json["records"][0]["records"][index]["dtype"] = "int16".into();
        }
    };
    let error = refused(both, None);
    assert!(
        matches!(error.kind(), ErrorKind::ParamMismatch { more, .. } if more.contains("`gain` is int16 [4], not float16 [4]")),
        "{error}"
    );
    let other = r#"{"model_type": "adder", "quantization": "q4f16_1"}"#;
    assert!(matches!(refused(|_| {}, Some(other)).package(), Some(tegula_package::ErrorKind::ConfigValue { field: "quantization", .. })));

    let mut wrong = plan();
    wrong.vectors[0].length = 5;
    let error = Loader::new(gpu.clone(), &library(&wrong), None, &manifest(|_| {}), Budget::default()).map(|_| ()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Library(_)), "{error}");
    let mut wrong = plan();
    wrong.variants[1].entries[0].dispatches[0].bindings[3].offset = 512;
    let mut loader = Loader::without_package(gpu, &library(&wrong), Budget::default()).unwrap();
    block_on(loader.random(1)).unwrap();
    let error = block_on(loader.finish()).map(|_| ()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Library(_)) && error.to_string().contains("append"), "{error}");
}

#[test]
fn random_weights_need_no_package() {
    let Some(gpu) = gpu() else { return };
    let loaded = |seed| {
        let mut loader = Loader::without_package(gpu.clone(), &library(&plan()), Budget::default()).unwrap();
        assert!(loader.shards().is_empty());
        block_on(loader.random(seed)).unwrap();
        let mut model = block_on(loader.finish()).unwrap();
        prefill(&mut model, 0, 0, &[1])
    };
    let found = loaded(1);
    assert!(found.iter().all(|value| (1.5..2.5).contains(value)), "two vectors near one: {found:?}");
    assert!(found != loaded(2) && found == loaded(1), "the seed decides");
    let unfilled = Loader::without_package(gpu.clone(), &library(&plan()), Budget::default()).unwrap();
    assert!(matches!(block_on(unfilled.finish()).map(|_| ()).unwrap_err().kind(), ErrorKind::LoadOrder { .. }));
}
