//! Grammars over a small vocabulary.

use super::*;

/// All single bytes, then three words, then a special token and one that ends.
fn vocabulary() -> Vocabulary {
    let mut words: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    words.extend(["true", "\"name\"", "ab"].map(|word| word.as_bytes().to_vec()));
    words.extend([b"<call>".to_vec(), b"<end>".to_vec()]);
    let lengths: Vec<u32> = words.iter().map(|word| word.len() as u32).collect();
    Vocabulary::new(&words.concat(), &lengths, &[259, 260], &[260]).expect("the ids are there")
}

fn follow(matcher: &mut Matcher, text: &str) -> usize {
    text.bytes().take_while(|&byte| matcher.take(byte.into()).expect("it is little work")).count()
}

fn allowed(matcher: &mut Matcher) -> Vec<u32> {
    let mut words = vec![0; 261usize.div_ceil(32)];
    matcher.mask(&mut words).expect("something may follow");
    (0..261).filter(|id| words[*id as usize / 32] >> (id % 32) & 1 == 1).collect()
}

#[test]
fn an_answer_follows_its_schema_to_the_end() {
    let schema = r#"{"type": "object", "properties": {"name": {"enum": ["ab", "abc"]}}, "required": ["name"], "additionalProperties": false,
        "x-guidance": {"whitespace_flexible": false}}"#;
    let mut matcher = vocabulary().compile(Kind::Json, schema).expect("a schema");
    assert_eq!(matcher.forced(), b"{\"name\":\"ab");
    assert_eq!(follow(&mut matcher, "{\"name\":\"a"), 10);
    assert!(!matcher.take(u32::from(b'x')).unwrap());
    assert_eq!(allowed(&mut matcher), [u32::from(b'b')]);
    assert_eq!(follow(&mut matcher, "b"), 1);
    assert_eq!(allowed(&mut matcher), [u32::from(b'"'), u32::from(b'c')]);
    assert!(!matcher.may_end() && !matcher.ended());
    let mut other = matcher.clone();
    assert_eq!(follow(&mut matcher, "\"}"), 2);
    assert!(matcher.may_end() && matcher.ended());
    assert_eq!(allowed(&mut matcher), [260]);
    // A clone is another answer.
    assert_eq!(follow(&mut other, "c\"}"), 3);
}

#[test]
fn special_tokens_are_no_text_and_have_to_be_named() {
    let mut free = vocabulary().compile(Kind::Regex, "(?s:.*)").expect("an expression");
    assert!(!free.take(259).unwrap());
    assert!(free.may_end() && !free.ended());
    let mut call = vocabulary().compile(Kind::Lark, r#"start: <[259]> "ab""#).expect("a grammar");
    assert_eq!(allowed(&mut call), [259]);
    assert!(call.take(259).unwrap() && call.take(258).unwrap() && call.ended());
}

#[test]
fn what_cannot_be_compiled_is_told() {
    let vocabulary = vocabulary();
    for (kind, text) in [(Kind::Json, "{"), (Kind::Json, r#"{"type": "no"}"#), (Kind::Lark, "start: other"), (Kind::Regex, "(")] {
        let Err(error) = vocabulary.compile(kind, text) else { panic!("{text} compiled") };
        assert!(
            matches!(error.kind(), ErrorKind::Grammar { reason } if !reason.is_empty() && !reason.contains("<non-verbose/>")),
            "{error:?}"
        );
    }
    assert!(Vocabulary::new(b"a", &[1], &[], &[1]).is_err());
    assert!(Vocabulary::new(b"a", &[2], &[], &[0]).is_err());
}

#[test]
fn without_a_token_that_ends_answers_end_with_the_grammar() {
    let mut matcher = Vocabulary::new(b"ab", &[1, 1], &[], &[]).unwrap().compile(Kind::Regex, "ab?").unwrap();
    let mut words = [0; 1];
    assert!(matcher.take(0).unwrap() && matcher.may_end() && !matcher.ended());
    matcher.mask(&mut words).unwrap();
    assert_eq!(words[0] & 3, 0b10);
    assert!(matcher.take(1).unwrap() && matcher.ended());
}

#[test]
fn where_nothing_can_follow_the_reason_is_in_plain_words() {
    let endless = r##"{"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"], "$defs": {"a": {"$ref": "#/$defs/a"}},
        "x-guidance": {"whitespace_flexible": false}}"##;
    let reason = match vocabulary().compile(Kind::Json, endless) {
        Err(error) => error.to_string(),
        Ok(mut matcher) => {
            follow(&mut matcher, "{\"a\":");
            matcher.mask(&mut [0; 9]).expect_err("nothing can follow").to_string()
        }
    };
    assert_eq!(reason, "there is a place where no text keeps to it");
}
