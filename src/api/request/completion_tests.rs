//! Completion requests as people send them.

use serde_json::json;

use super::tests::{chat, completion};
use super::*;

#[test]
fn completions_have_fields_of_their_own() {
    let cases = [
        (json!({"messages": []}), "`messages` is not a known field; chat completions have it, completions do not"),
        (json!({"tools": []}), "`tools` is not a known field; chat completions have it, completions do not"),
        (json!({"temperatur": 1}), "`temperatur` is not a known field; did you mean `temperature`?"),
    ];
    for (fields, text) in cases {
        let error = completion(&fields).expect_err(&fields.to_string());
        assert_eq!((error.to_string().as_str(), error.code()), (text, "UnsupportedFieldsError"));
    }
    assert_eq!(completion(&json!({"max_tokens": 3})).unwrap().max_tokens, Some(3));
    let ranges = [
        (json!({"logprobs": 6}), "`logprobs` is 6, but must be a whole number from 0 to 5"),
        (json!({"best_of": 17}), "`best_of` is 17, but must be a whole number from 1 to 16"),
        (json!({"best_of": 2, "n": 3}), "`best_of` is 2, but must be a whole number of at least `n`, which is 3"),
        (
            json!({"best_of": 2, "stream": true}),
            "`best_of` is 2, but must be 1, as `n`, in a stream: the best answer is known when all have ended",
        ),
        (json!({"suffix": "b", "prompt": [1]}), "`suffix` is \"b\", but must be left out where the prompt is a list of token ids"),
        (json!({"suffix": "b", "echo": true}), "`echo` is true, but must be false where there is a `suffix`"),
    ];
    for (fields, text) in ranges {
        assert_eq!(completion(&fields).expect_err(&fields.to_string()).to_string(), text);
    }
}

#[test]
fn each_prompt_gets_its_answers_with_seeds_one_after_the_other() {
    let fields = json!({"prompt": ["a", "b"], "n": 2, "best_of": 3, "seed": 5, "suffix": ""});
    let requests = completion(&fields).unwrap().requests(&ChatConfig::default());
    let asked: Vec<_> = requests.into_iter().map(|request| (request.prompt, request.sampling.seed, request.logprobs)).collect();
    let answers = |text: &str| [5, 6, 7].map(|seed| (Prompt::Text(text.into()), seed, Some(0)));
    assert_eq!(asked, [answers("a"), answers("b")].concat());
    let one = completion(&json!({"logprobs": 2, "suffix": "end"})).unwrap().requests(&ChatConfig::default()).remove(0);
    assert_eq!((one.prompt, one.logprobs), (Prompt::Gap { before: "Once".into(), after: "end".into() }, Some(2)));
    let chat = |fields| chat(fields).unwrap().requests(&ChatConfig::default()).remove(0).logprobs;
    assert_eq!([chat(json!({"logprobs": true})), chat(json!({"logprobs": true, "top_logprobs": 4}))], [Some(0), Some(4)]);
    assert_eq!([chat(json!({})), chat(json!({"logprobs": false, "top_logprobs": 0}))], [None, None]);
}

#[test]
fn prompts_are_texts_or_ids_or_lists_of_them() {
    let prompt = |given: Value| completion(&json!({"prompt": given})).map(|mut request| request.prompts.remove(0));
    for given in [json!("a"), json!(["a"])] {
        assert_eq!(prompt(given.clone()).unwrap(), Prompt::Text("a".into()), "{given}");
    }
    for given in [json!([1, 2.0]), json!([[1, 2]])] {
        assert_eq!(prompt(given.clone()).unwrap(), Prompt::Ids(vec![1, 2]), "{given}");
    }
    let (ids, list) = ("a text or a list of token ids", "a text or a list of at least one token id");
    let cases = [
        (json!(null), format!("`prompt` is null, but must be {ids}")),
        (json!(7), format!("`prompt` is 7, but must be {ids}")),
        (json!([]), format!("`prompt` is [], but must be {list}")),
        (json!([[]]), format!("`prompt` is [], but must be {list}")),
        (json!([1, -1]), "`prompt[1]` is -1, but must be a token id".into()),
        (json!([1.5]), "`prompt[0]` is 1.5, but must be a token id".into()),
        (json!([[1u64 << 32]]), "`prompt[0]` is 4294967296, but must be a token id".into()),
        (json!([1, null]), "`prompt[1]` is null, but must be a token id".into()),
        (json!(["a", 5]), format!("`prompt[1]` is 5, but must be {ids}")),
        (json!([["a"]]), "`prompt[0]` is \"a\", but must be a token id".into()),
        (json!([[1], [1, -2]]), "`prompt[1][1]` is -2, but must be a token id".into()),
        (json!(vec!["a"; 17]), "`prompt` is a list of 17 prompts, but must be a list of at most 16 prompts".into()),
    ];
    for (given, text) in cases {
        assert_eq!(prompt(given).unwrap_err().to_string(), text);
    }
    let missing = ApiRequest::completion("{}").unwrap_err().to_string();
    assert_eq!(missing, format!("`prompt` is missing, but must be {ids}"));
}

#[test]
fn an_echo_is_that_of_a_text() {
    let echo = |fields| completion(&fields).map(|request| request.echoes);
    assert_eq!(echo(json!({"echo": true})).unwrap(), ["Once"]);
    assert_eq!(echo(json!({"echo": true, "prompt": ["a", "b"]})).unwrap(), ["a", "b"]);
    assert_eq!([echo(json!({"echo": null})).unwrap(), echo(json!({"echo": false})).unwrap()], [[], []] as [[&str; 0]; 2]);
    let refused = |fields| echo(fields).unwrap_err().to_string();
    assert_eq!(refused(json!({"echo": "yes"})), "`echo` is \"yes\", but must be true or false");
    let text = "`echo` is true, but must be false where the prompt is a list of token ids";
    assert_eq!(refused(json!({"echo": true, "prompt": [1]})), text);
}
