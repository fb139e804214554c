//! Random changes to inputs, for runs without a fuzzer's feedback. Bytes are flipped, moved and cut, and
//! members of JSON are removed, retyped and exchanged. The same seed gives the same changes.

use serde_json::{Value, json};

/// xorshift64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit.max(1)
    }
}

/// A few changes to one of the seeds, sometimes with parts of another.
pub fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let [one, other] = [0; 2].map(|_| &seeds[random.below(seeds.len())]);
    if random.below(4) > 0
        && let Some(mut value) = json_of(one)
    {
        let donor = json_of(other).unwrap_or_default();
        for _ in 0..=random.below(3) {
            change(&mut value, &donor, random);
        }
        return value.to_string().into_bytes();
    }
    let mut bytes = one.clone();
    for _ in 0..=random.below(4) {
        change_bytes(&mut bytes, other, random);
    }
    bytes
}

/// JSON, of a whole file or of its first line.
fn json_of(bytes: &[u8]) -> Option<Value> {
    let line = || serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next()?).ok();
    serde_json::from_slice(bytes).ok().or_else(line).filter(|value: &Value| value.is_object())
}

fn change(value: &mut Value, donor: &Value, random: &mut Random) {
    let target = pick(value, random);
    match random.below(6) {
        0 | 1 => *target = odd(random),
        2 => *target = part(donor, random).clone(),
        3 => *target = Value::Array(vec![target.take(), odd(random)]),
        _ => match target {
            Value::Object(members) => {
                let name = members.keys().nth(random.below(members.len())).cloned();
                let taken = name.and_then(|name| members.shift_remove(&name));
                if random.below(2) == 0 {
                    const NAMES: [&str; 6] = ["type", "content", "", "id", "vocab", "pattern"];
                    members.insert(NAMES[random.below(NAMES.len())].into(), taken.unwrap_or_default());
                }
            }
            Value::Array(values) if !values.is_empty() => {
                let (from, to) = (random.below(values.len()), random.below(values.len()));
                if random.below(2) == 0 {
                    let again = values[from].clone();
                    values.insert(to, again);
                } else {
                    values.remove(from);
                }
            }
            Value::String(text) => {
                let mut bytes = std::mem::take(text).into_bytes();
                change_bytes(&mut bytes, b"$\\(?=*)[]{}%#| \n\t\0", random);
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                let near = [number + 1.0, number - 1.0, -number, number * 1e9, number / 3.0, 4_294_967_295.0, 1e300];
                *target = json!(near[random.below(near.len())]);
                if let (Some(whole), true) = (target.as_f64().filter(|number| number.fract() == 0.0), random.below(4) > 0) {
                    *target = json!(whole as i64);
                }
            }
            _ => *target = odd(random),
        },
    }
}

/// Some part of a value, deep or not.
fn pick<'a>(value: &'a mut Value, random: &mut Random) -> &'a mut Value {
    let parts = match value {
        Value::Object(members) => members.len(),
        Value::Array(values) => values.len(),
        _ => 0,
    };
    if parts == 0 || random.below(5) == 0 {
        return value;
    }
    let at = random.below(parts);
    let part = match value {
        Value::Object(members) => members.values_mut().nth(at),
        Value::Array(values) => values.get_mut(at),
        _ => None,
    };
    pick(part.expect("it was counted"), random)
}

fn part<'a>(value: &'a Value, random: &mut Random) -> &'a Value {
    let parts: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    if parts.is_empty() || random.below(4) == 0 { value } else { part(parts[random.below(parts.len())], random) }
}

fn odd(random: &mut Random) -> Value {
    let odd = json!([
        null, true, false, 0, 1, -1, 2, 0.5, 65536, 2147483648_u32, 4294967295_u32, u64::MAX, i64::MIN, 1e300, 1e-300, "", " ", "a", "\u{1f980}",
        "▁", "0", "-1", "\0", "<s>", "(?=", "(a*)*b", [], {}, [[]], [0, 0], ["", ""], [["a", 1.0]], {"": null}, {"type": "Strip"},
        {"String": ""}, {"Regex": "|x*"}, {"type": "FixedLength", "length": 1}, {"type": "Replace", "pattern": {"Regex": "^|$"}, "content": "▁"},
        {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, {"type": "Lowercase"}, {"type": "NFKD"},
        {"type": "Metaspace", "replacement": " ", "prepend_scheme": "always", "split": false}, {"type": "Fuse"}, {"type": "ByteFallback"},
        {"type": "BPEDecoder", "suffix": ""}, {"type": "CTC", "pad_token": "", "word_delimiter_token": "", "cleanup": true},
        {"type": "UnicodeScripts"}, {"type": "Whitespace"}, {"type": "Nmt"}, {"type": "Split", "pattern": {"String": ""}, "behavior": "Removed", "invert": true},
    ]);
    odd[random.below(odd.as_array().map_or(0, Vec::len))].clone()
}

fn change_bytes(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
    let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 64));
    match random.below(7) {
        0 if !bytes.is_empty() => bytes[from] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[from] = random.below(256) as u8,
        2 => drop(bytes.drain(from..to)),
        3 => {
            let again = bytes[from..to].to_vec();
            bytes.splice(to..to, again);
        }
        4 => bytes.truncate(from),
        5 if !other.is_empty() => {
            let start = random.below(other.len());
            let end = other.len().min(start + random.below(64));
            bytes.splice(from..to, other[start..end].iter().copied());
        }
        _ => bytes.insert(from, random.below(128) as u8),
    }
}
