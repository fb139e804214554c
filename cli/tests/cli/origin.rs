//! Libraries that were compiled here, and those from elsewhere.

use std::fs;

use crate::folder::{has_device, package};

#[test]
fn a_library_from_elsewhere_runs_with_every_check_and_is_told_of() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    folder.succeed(&["compile", "package", "-o", "lib.wasm"]);
    let run = |more: &[&'static str]| {
        let common = ["run", "package", "--prompt-ids", "5,17,101", "--temperature", "0", "--max-tokens", "6", "--library", "lib.wasm"];
        let output = folder.run(&[&common[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap().contains("--trust-library"))
    };
    let (ids, noted) = run(&[]);
    assert!(!noted, "it was compiled here");
    fs::remove_dir_all(folder.path("cache/tegula/compiled")).unwrap();
    assert_eq!(run(&[]), (ids.clone(), true));
    assert_eq!(run(&["--trust-library"]), (ids, false));
    assert_eq!(folder.run(&["run", "package", "--trust-library", "hi"]).status.code(), Some(2), "there is no library to trust");
}

#[test]
fn a_load_that_fails_while_kernels_compile_ends_in_order() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    // The first shard is missing: the error comes while the first kernels compile.
    fs::remove_file(folder.path("package/params_shard_0.bin")).unwrap();
    for _ in 0..10 {
        // An exit code of a signal fails here.
        let error = folder.fail(&["run", "package", "--prompt-ids", "5"]);
        assert!(error.contains("params_shard_0.bin"), "{error}");
    }
}
