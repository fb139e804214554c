//! Answers drawn at random from a grammar.

use tegula_grammar::{Matcher, Vocabulary};

use crate::grammar::{Grammar, Kind};

/// A vocabulary of all bytes, then special tokens, then one that ends an answer.
pub(super) struct Bytes {
    vocabulary: Vocabulary,
    /// Their texts and ids.
    pub(super) special: Vec<(String, u32)>,
    end: u32,
}

/// Marsaglia's xorshift.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

impl Bytes {
    pub(super) fn new(special: &[&str]) -> Bytes {
        let mut words: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        words.extend(special.iter().chain(&["<end>"]).map(|name| name.as_bytes().to_vec()));
        let lengths: Vec<u32> = words.iter().map(|word| word.len() as u32).collect();
        let special: Vec<_> = special.iter().zip(256..).map(|(name, id)| (name.to_string(), id)).collect();
        let end = 256 + special.len() as u32;
        let ids: Vec<u32> = (256..=end).collect();
        Bytes { vocabulary: Vocabulary::new(&words.concat(), &lengths, &ids, &[end]).unwrap(), special, end }
    }

    pub(super) fn matcher(&self, grammar: &Grammar) -> Matcher {
        assert_eq!(grammar.kind, Kind::Lark);
        let made = self.vocabulary.compile(tegula_grammar::Kind::Lark, &grammar.text);
        made.unwrap_or_else(|error| panic!("{error}: {}", grammar.text))
    }

    /// The tokens of a text. Special tokens that it spells are such.
    fn ids(&self, mut text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        while let Some(first) = text.bytes().next() {
            match self.special.iter().filter(|(name, _)| text.starts_with(name.as_str())).max_by_key(|(name, _)| name.len()) {
                Some((name, id)) => {
                    ids.push(*id);
                    text = &text[name.len()..];
                }
                None => {
                    // A character's further bytes have no special token at their start.
                    let c = text.chars().next().unwrap();
                    ids.extend(text.as_bytes()[..c.len_utf8()].iter().map(|byte| u32::from(*byte)));
                    assert_eq!(ids[ids.len() - c.len_utf8()], u32::from(first));
                    text = &text[c.len_utf8()..];
                }
            }
        }
        ids
    }

    /// How much of a text the grammar takes, and whether the answer may end there.
    pub(super) fn follow<'t>(&self, grammar: &Grammar, text: &'t str) -> (&'t str, bool) {
        let mut matcher = self.matcher(grammar);
        let mut taken = 0;
        for id in self.ids(text) {
            if !matcher.take(id).unwrap() {
                break;
            }
            taken += self.special.iter().find(|(_, special)| *special == id).map_or(1, |(name, _)| name.len());
        }
        (text.get(..taken).unwrap_or(text), taken == text.len() && matcher.may_end())
    }

    pub(super) fn accepts(&self, grammar: &Grammar, text: &str) -> bool {
        self.follow(grammar, text).1
    }

    /// An answer. Beyond `length` tokens it takes what leads to an end; `ends` are texts that end parts of it.
    pub(super) fn draw(&self, matcher: &mut Matcher, random: &mut Random, length: usize, ends: &[&str]) -> String {
        let mut words = vec![0; (self.end as usize + 1).div_ceil(32)];
        let (mut text, mut plan): (Vec<u8>, Vec<u32>) = (Vec::new(), Vec::new());
        for count in 0.. {
            assert!(count < 6000, "it never ends: {:?}", String::from_utf8_lossy(&text));
            if matcher.ended() {
                break;
            }
            matcher.mask(&mut words).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&text)));
            let allowed: Vec<u32> = (0..=self.end).filter(|id| words[*id as usize / 32] >> (id % 32) & 1 == 1).collect();
            let long = count > length;
            let id = match plan.pop().filter(|id| allowed.contains(id)) {
                Some(id) => id,
                // Any text may follow. A part of it ends sooner or later.
                None if allowed.len() > 60 && allowed[0] < 0xc0 && (long || random.below(12) == 0) && !allowed.contains(&self.end) => {
                    // The first two are quotes, which end most texts.
                    let among = if random.below(2) == 0 { 2 } else { ends.len() };
                    plan = self.ids(ends[random.below(among)]);
                    plan.reverse();
                    plan.pop().filter(|id| allowed.contains(id)).unwrap_or(allowed[random.below(allowed.len())])
                }
                None => self.pick(&allowed, random, long),
            };
            if id == self.end {
                assert!(matcher.may_end());
                break;
            }
            assert!(matcher.take(id).unwrap());
            match self.special.iter().find(|(_, special)| *special == id) {
                Some((name, _)) => text.extend(name.as_bytes()),
                None => text.push(id as u8),
            }
        }
        String::from_utf8(text).expect("grammars are of characters")
    }

    fn pick(&self, allowed: &[u32], random: &mut Random, long: bool) -> u32 {
        let closing = [self.end].into_iter().chain("}])\"'/<,".bytes().map(u32::from));
        if long && let Some(id) = closing.into_iter().find(|id| allowed.contains(id)) {
            return id;
        }
        // Of a family's special tokens, those that end something are told behind those that begin it.
        if long && let Some(id) = allowed.last().filter(|id| **id > 255) {
            return *id;
        }
        // Blanks would be most of the answer.
        let words: Vec<u32> = allowed.iter().copied().filter(|id| !matches!(id, 9 | 10 | 13 | 32)).collect();
        let from = if words.is_empty() || !long && random.below(8) == 0 { allowed } else { &words };
        from[random.below(from.len())]
    }
}
