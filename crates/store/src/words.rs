//! Texts and queries cut into words. A CJK character is a word of its own, and neighbours in a query are a phrase, so
//! that Chinese words of one or two characters are found; any other word of a query finds what begins with it.
//!
//! **Invariant.** A word holds letters, digits and marks only: nothing that a person types is syntax to a search engine.

use hubbub_model::fold;
use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Most phrases of a query; what is behind them is not looked for.
const PHRASES_MAX: usize = 32;
/// Longest query, in characters; what is behind them is not looked for.
const QUERY_CHARS_MAX: usize = 512;

/// Words that must stand one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    words: Vec<String>,
    /// The last word may go on.
    prefix: bool,
}

/// The words of a text, with a space between them.
pub(crate) fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    each_word(&plain(text), |word, _| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    });
    out
}

/// What a query looks for; empty if there is no word in it.
pub(crate) fn phrases(query: &str) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    let end = query.char_indices().nth(QUERY_CHARS_MAX).map_or(query.len(), |(at, _)| at);
    for chunk in query.get(..end).unwrap_or_default().split_whitespace() {
        let mut last: Option<Phrase> = None;
        each_word(&plain(chunk), |word, cjk| match &mut last {
            Some(phrase) if phrase.prefix != cjk => phrase.words.push(word.to_owned()),
            _ => phrases.extend(last.replace(Phrase { words: vec![word.to_owned()], prefix: !cjk })),
        });
        phrases.extend(last);
        if phrases.len() >= PHRASES_MAX {
            break;
        }
    }
    phrases.truncate(PHRASES_MAX);
    phrases
}

/// The phrases as an FTS5 query: quoted strings, all of which must match.
pub(crate) fn fts_query(phrases: &[Phrase]) -> String {
    let quoted = |p: &Phrase| format!("\"{}\"{}", p.words.join(" "), if p.prefix { "*" } else { "" });
    phrases.iter().map(quoted).collect::<Vec<_>>().join(" AND ")
}

/// Whether a text that `spaced` has cut holds all phrases.
pub(crate) fn holds(spaced: &str, phrases: &[Phrase]) -> bool {
    let words: Vec<&str> = spaced.split(' ').collect();
    phrases.iter().all(|phrase| words.windows(phrase.words.len()).any(|at| phrase.stands_at(at)))
}

impl Phrase {
    fn stands_at(&self, at: &[&str]) -> bool {
        let last = self.words.len().saturating_sub(1);
        let same = |(i, (word, found)): (usize, (&String, &&str))| match self.prefix && i == last {
            true => found.starts_with(word.as_str()),
            false => *found == word,
        };
        self.words.iter().zip(at).enumerate().all(same)
    }
}

/// The text in the form in which words are compared: compatibility forms, case and Latin accents are gone.
fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.to_ascii_lowercase().into();
    }
    fold(text).nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect::<String>().into()
}

/// Calls with each word of a plain text, and whether it is one CJK character.
fn each_word(text: &str, mut found: impl FnMut(&str, bool)) {
    let mut rest = text;
    while let Some(start) = rest.find(in_a_word) {
        rest = rest.get(start..).unwrap_or_default();
        let cjk = rest.starts_with(is_cjk);
        let end = match cjk {
            true => rest.chars().next().map_or(0, char::len_utf8),
            false => rest.find(|c| !in_a_word(c) || is_cjk(c)).unwrap_or(rest.len()),
        };
        let (word, behind) = rest.split_at(end);
        found(word, cjk);
        rest = behind;
    }
}

fn in_a_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c))
}

/// Han, kana, hangul, bopomofo and their extensions: scripts that are written without spaces, or searched by syllable.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303b}' | '\u{3041}'..='\u{3098}' | '\u{309b}'..='\u{318f}'
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        | '\u{1aff0}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cjk_character_is_a_word() {
        assert_eq!(spaced("聊天室 Rust编程, ok?"), "聊 天 室 rust 编 程 ok");
        assert_eq!(spaced("Ａｄａ café ガ"), "ada cafe ガ");
        assert_eq!(spaced("ｶﾞ"), "ガ", "half-width kana are the full-width ones");
        assert_eq!(spaced("𠀀𰀀"), "𠀀 𰀀");
        assert_eq!(spaced("👍 !! \"*"), "");
    }

    #[test]
    fn a_query_is_phrases_and_never_syntax() {
        assert_eq!(fts_query(&phrases("聊天 rus")), "\"聊 天\" AND \"rus\"*");
        assert_eq!(fts_query(&phrases("foo-bar天气")), "\"foo bar\"* AND \"天 气\"");
        assert_eq!(
            fts_query(&phrases("\" OR * NEAR(x y) body:z")),
            "\"or\"* AND \"near x\"* AND \"y\"* AND \"body z\"*"
        );
        assert_eq!(phrases(" \" * () ^ 👍"), []);
    }

    #[test]
    fn phrases_are_found_in_texts() {
        let text = spaced("今天天气不错 weather report");
        for (query, found) in [
            ("天气", true),
            ("气天", false),
            ("不", true),
            ("wea rep", true),
            ("eather", false),
            ("天天 气不错", true),
        ] {
            assert_eq!(holds(&text, &phrases(query)), found, "{query}");
        }
    }
}
