//! Tests of the command line: what it takes, and what its help looks like.

use clap::{Command as Clap, Error, FromArgMatches};

use super::help::GROUPS;
use super::{Cli, Command, command};

fn parse(args: &[&str]) -> Result<Command, Error> {
    let matches = command().try_get_matches_from([&["tegula"], args].concat())?;
    Cli::from_arg_matches(&matches).map(|cli| cli.command)
}

/// Whether a command line is refused, and as wrong usage.
fn refuses(args: &[&str]) -> bool {
    parse(args).is_err_and(|error| error.exit_code() == 2)
}

/// Every page of help, by its command's name, at 80 columns and without colours.
fn pages() -> Vec<(String, String)> {
    let page = |args: &[&str]| {
        let printed = command().term_width(80).try_get_matches_from([&["tegula"], args].concat()).unwrap_err();
        assert_eq!(printed.exit_code(), 0);
        printed.to_string()
    };
    let all = command();
    let names = all.get_subcommands().map(Clap::get_name);
    let of = |name: &str| {
        let help = page(&[name, "--help"]);
        assert_eq!(help, page(&[name, "-h"]), "{name}: clap has a long form where any flag has");
        assert_eq!(help, page(&["help", name]));
        (name.to_owned(), help)
    };
    names.map(of).chain([("tegula".to_owned(), page(&["--help"]))]).collect()
}

#[test]
fn declaration_is_consistent() {
    command().debug_assert();
}

#[test]
fn each_command_is_in_one_group() {
    let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let all = command();
    let mut known: Vec<&str> = all.get_subcommands().map(Clap::get_name).collect();
    grouped.sort_unstable();
    known.sort_unstable();
    assert_eq!(grouped, known);
    let (_, page) = pages().pop().unwrap();
    for name in known {
        assert_eq!(page.lines().filter(|line| line.starts_with(&format!("  {name} "))).count(), 1, "{name} in {page}");
    }
}

#[test]
fn pages_of_help_fit_80_columns_and_have_examples() {
    for (name, page) in pages() {
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        // What stands at the end is not wrapped: it has its own lines.
        let all = command();
        let end = all.find_subcommand(&name).unwrap_or(&all).get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(page.ends_with(&format!("{end}\n")), "{page}");
        if name != "tegula" {
            let (_, examples) = page.split_once("\nExamples:\n").unwrap_or_else(|| panic!("no examples: {page}"));
            assert!(examples.contains(&format!("tegula {name} ")) || name == "devices", "{page}");
        }
    }
}

/// Examples are commands that clap takes.
#[test]
fn examples_parse() {
    for (name, page) in pages() {
        for line in page.lines().filter_map(|line| line.strip_prefix("  ")) {
            let Some(at) = line.find("tegula ").filter(|at| *at == 0 || line[..*at].ends_with("| ")) else { continue };
            let line = line[at..].split(" < ").next().unwrap_or_default();
            // What a shell makes of it, as far as examples need it.
            let mut words = vec![String::new()];
            let mut quoted = false;
            for c in line.replace("$(tegula tokenize ./llama-1b 'Hello')", "1,2").chars() {
                match c {
                    '"' => quoted = !quoted,
                    ' ' if !quoted => words.push(String::new()),
                    c => words.last_mut().expect("never empty").push(c),
                }
            }
            let parsed = command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{name}: {line}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn a_prompt_is_words_a_flag_or_ids() {
    let run = |args: &[&str]| {
        let Command::Run(run) = parse(&[&["run", "PKG"], args].concat()).ok()? else { panic!("not run") };
        Some((run.words, run.prompt, run.prompt_ids))
    };
    assert_eq!(run(&["--prompt-ids", "1,2,3"]), Some((vec![], None, Some(vec![1, 2, 3]))));
    assert_eq!(run(&["why", "so"]), Some((vec!["why".into(), "so".into()], None, None)));
    assert_eq!(run(&["--raw", "-"]), Some((vec!["-".into()], None, None)));
    assert_eq!(run(&["--prompt", "-5 + 3"]), Some((vec![], Some("-5 + 3".into()), None)));
    assert_eq!(run(&[]), Some((vec![], None, None)), "stdin may have it");
    for wrong in [&["--prompt-ids", "1", "--prompt", "x"][..], &["hi", "--prompt", "x"], &["hi", "--prompt-ids", "1"]] {
        assert_eq!(run(wrong), None, "{wrong:?}");
    }
}

#[test]
fn values_that_no_model_takes_are_refused() {
    for wrong in [
        &["--max-tokens", "0"][..],
        &["--max-tokens", "-1"],
        &["--max-tokens", "1.5"],
        &["--temperature", "-0.5"],
        &["--temperature", "NaN"],
        &["--temperature", "inf"],
        &["--top-p", "1.5"],
        &["--top-p", "-1"],
        &["--min-p", "2"],
        &["--top-k", "-1"],
        &["--seed", "-1"],
        &["--prompt", ""],
        &["--prompt", " \n"],
        &["--prompt-ids", ""],
        &["--context-window-size", "0"],
        &["--context-window-size", "99999999"],
        &["--prefill-chunk-size", "0"],
        &["--max-batch-size", "0"],
        &["--quantization", "q3f16_1"],
        &["--device", ""],
        &["--system", "s", "--raw"],
        &["--json-schema", "f", "--grammar", "f"],
        &["--json-schema", "f", "--regex", "a"],
        &["--grammar", "f", "--regex", "a"],
        &["--regex", ""],
        &["--tools", "f", "--raw"],
        &["--tools", "f", "--prompt-ids", "1"],
    ] {
        assert!(refuses(&[&["run", "PKG"], wrong].concat()), "{wrong:?}");
    }
    assert!(!refuses(&["run", "PKG", "--regex", "-a", "--tools", "f"]));
    assert!(!refuses(&["run", "PKG", "--temperature", "0", "--top-p", "0", "--min-p", "1", "--top-k", "0", "--max-tokens", "1"]));
    let error = parse(&["run", "PKG", "--max-tokens", "-1"]).unwrap_err().to_string();
    assert!(error.contains("'-1' for '--max-tokens <TOKENS>': must be a whole number from 1"), "{error}");
    for budget in ["0", "-1", "NaN", "inf", "soon"] {
        assert!(refuses(&["tune", "PKG", "--budget", budget]), "{budget}");
    }
}

#[test]
fn the_device_has_one_name_and_an_older_one() {
    for flag in ["--device", "--adapter"] {
        let Command::Run(run) = parse(&["run", "PKG", flag, "llvm"]).unwrap() else { panic!("not run") };
        assert_eq!(run.model.device.device.as_deref(), Some("llvm"));
    }
}

#[test]
fn bench_takes_one_prompt_or_a_list() {
    let bench = |args: &[&str]| {
        let Command::Bench(bench) = parse(&[&["bench", "CONFIG"], args].concat()).ok()? else { panic!("not bench") };
        Some((bench.prompt_tokens, bench.contexts, bench.batches))
    };
    assert_eq!(bench(&[]), Some((512, vec![], vec![1])));
    assert_eq!(bench(&["--contexts", "512,4096", "--batches", "1,4,8"]), Some((512, vec![512, 4096], vec![1, 4, 8])));
    assert_eq!(bench(&["--contexts", "512", "--prompt-tokens", "512"]), None);
    assert_eq!(bench(&["--batches", "0"]), None);
}

#[test]
fn a_compiled_library_excludes_what_would_shape_it() {
    assert!(refuses(&["logits", "PKG", "--ids", "1", "--library", "L", "--prefill-chunk-size", "8"]));
    assert!(refuses(&["bench", "PKG", "--library", "L", "--activations", "int8"]));
    assert!(refuses(&["bench", "PKG", "--activations", "int4"]));
}
