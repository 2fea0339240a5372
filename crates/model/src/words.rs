//! Sentences for people, in English and Chinese.
//!
//! The English sentence is the key: it stands in the code where it is said, and its Chinese twin beside it in a table.
//! Whoever says a sentence of their own fills it with [`Phrases::tell`]. Whoever passes on a finished sentence of
//! another part, such as a refusal of the hub, has it recognised and said again by [`Phrases::translate`].
//!
//! **Invariant.** Both twins name the same parts, `{name}`. The part `{why}` is a sentence itself, and is translated too. A
//! sentence that no table knows stays as it is: a reader would rather have English than nothing.

mod refusals;

pub use refusals::REFUSALS;

use crate::Refusal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A language that the hub and its commands speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// Each with its code, as options and requests name it.
    pub const WORDS: [(&'static str, Self); 2] = [("en", Self::En), ("zh", Self::Zh)];

    /// `en` or `zh`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The language of a locale or tag, such as `zh_CN.UTF-8`, `zh-Hant` or `en`: Chinese where it begins with `zh`.
    pub fn of_tag(tag: &str) -> Self {
        let is_zh = tag.get(..2).is_some_and(|code| code.eq_ignore_ascii_case("zh"));
        let ends = |c: char| !c.is_ascii_alphabetic();
        if is_zh && tag.get(2..).is_none_or(|rest| rest.is_empty() || rest.starts_with(ends)) {
            Self::Zh
        } else {
            Self::En
        }
    }
}

/// A sentence in English and in Chinese, with its parts as `{name}`.
pub type Phrase = (&'static str, &'static str);

/// Some tables of sentences.
#[derive(Clone, Copy, Debug)]
pub struct Phrases(pub &'static [&'static [Phrase]]);

impl Phrases {
    /// The sentence in this language, with its parts filled in.
    pub fn tell(&self, language: Language, gist: &str, parts: &[(&str, &str)]) -> String {
        let sentence = match language {
            Language::En => gist,
            Language::Zh => self.exactly(gist).unwrap_or(gist),
        };
        self.fill(language, sentence, parts, DEPTH_MAX)
    }

    /// A finished English sentence in this language.
    pub fn translate<'a>(&self, language: Language, sentence: &'a str) -> Cow<'a, str> {
        match language {
            Language::En => Cow::Borrowed(sentence),
            Language::Zh => self.translated(sentence, DEPTH_MAX),
        }
    }

    /// The Chinese twin of this sentence, as it stands in a table.
    pub fn exactly(&self, gist: &str) -> Option<&'static str> {
        self.rows().find(|(en, _)| *en == gist).map(|(_, zh)| *zh)
    }

    /// Every sentence of the tables.
    pub fn rows(&self) -> impl Iterator<Item = &'static Phrase> {
        self.0.iter().flat_map(|table| table.iter())
    }

    /// What is wrong with the tables: twins that name other parts, sentences without a twin, or twice. For tests.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut known = std::collections::HashSet::new();
        for (en, zh) in self.rows() {
            if en.is_empty() || zh.is_empty() {
                faults.push(format!("{en:?} lacks a language: {zh:?}"));
            }
            if part_names(en) != part_names(zh) {
                faults.push(format!("{en:?} and {zh:?} name other parts"));
            }
            if !known.insert(*en) {
                faults.push(format!("{en:?} stands there twice"));
            }
        }
        faults
    }

    /// The row that fits with the most letters of its own wins, so that the order of rows means nothing.
    fn translated<'a>(&self, sentence: &'a str, depth: u8) -> Cow<'a, str> {
        let fits = self.rows().filter_map(|(en, zh)| {
            let parts = parts_of(en, sentence)?;
            let own = sentence.len() - parts.iter().map(|(_, value)| value.len()).sum::<usize>();
            Some((own, zh, parts))
        });
        match fits.max_by_key(|(own, _, _)| *own) {
            Some((_, zh, parts)) => Cow::Owned(self.fill(Language::Zh, zh, &parts, depth)),
            None => Cow::Borrowed(sentence),
        }
    }

    /// One pass, so that a part which looks like `{another}` stays as it is.
    fn fill(&self, language: Language, sentence: &str, parts: &[(&str, &str)], depth: u8) -> String {
        let mut filled = String::with_capacity(sentence.len());
        let mut rest = sentence;
        while let Some((before, name, behind)) = first_part(rest) {
            filled.push_str(before);
            match parts.iter().find(|(part, _)| *part == name) {
                Some((_, value)) if name == REASON && language == Language::Zh && depth > 0 => {
                    filled.push_str(&self.translated(value, depth - 1));
                }
                Some((_, value)) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            }
            rest = behind;
        }
        filled + rest
    }
}

impl Refusal {
    /// The sentence in this language.
    pub fn told_in(&self, language: Language) -> Cow<'_, str> {
        Phrases(&[REFUSALS]).translate(language, &self.text)
    }
}

/// What stands in a finished sentence at the places of the template's parts. `None` where it is another sentence.
fn parts_of<'t, 's>(template: &'t str, sentence: &'s str) -> Option<Vec<(&'t str, &'s str)>> {
    let Some((head, mut name, mut template)) = first_part(template) else {
        return (template == sentence).then(Vec::new);
    };
    let mut rest = sentence.strip_prefix(head)?;
    let mut parts = Vec::new();
    while let Some((literal, next, behind)) = first_part(template) {
        let (value, after) = rest.split_once(literal)?;
        parts.push((name, value));
        (name, template, rest) = (next, behind, after);
    }
    parts.push((name, rest.strip_suffix(template)?));
    Some(parts)
}

/// What stands before the first part of a template, the part's name, and what stands behind it. Braces around anything
/// but a name are braces.
fn first_part(template: &str) -> Option<(&str, &str, &str)> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    template.match_indices('{').find_map(|(at, _)| {
        let (before, opened) = template.split_at(at);
        let (name, behind) = opened.strip_prefix('{')?.split_once('}')?;
        is_name(name).then_some((before, name, behind))
    })
}

fn part_names(mut template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some((_, name, behind)) = first_part(template) {
        names.push(name);
        template = behind;
    }
    names.sort_unstable();
    names
}

/// The part that is a sentence itself.
const REASON: &str = "why";
/// How deep reasons are looked into.
const DEPTH_MAX: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    const TABLE: &[Phrase] = &[
        ("not done: {why}", "没有完成：{why}"),
        ("{name} is here", "{name} 来了"),
        ("{name} is here, as {role}", "{name} 以 {role} 身份来了"),
        ("{was} is now {name}", "{was} 现在是 {name}"),
        ("such as {\"type\":\"{type}\"}", "例如 {\"type\":\"{type}\"}"),
        ("done", "完成"),
    ];
    const PHRASES: Phrases = Phrases(&[TABLE]);

    #[test]
    fn every_refusal_has_its_twin() {
        assert_eq!(Phrases(&[REFUSALS]).faults(), [""; 0]);
        let refusal = Refusal::new(Kind::NotFound, "there is nobody named {who}");
        assert_eq!(refusal.told_in(Language::Zh), "没有叫 {who} 的人");
        assert_eq!(refusal.told_in(Language::En), "there is nobody named {who}");
    }

    #[test]
    fn a_finished_sentence_is_recognised_and_the_closest_row_wins() {
        let zh = |sentence| PHRASES.translate(Language::Zh, sentence).into_owned();
        for (sentence, wanted) in [
            ("done", "完成"),
            ("done!", "done!"),
            ("", ""),
            ("ada is here", "ada 来了"),
            ("ada is here, as owner", "ada 以 owner 身份来了"),
            ("ada is here, as {role}", "ada 以 {role} 身份来了"),
            ("not done: ada is here", "没有完成：ada 来了"),
            ("not done: not done: what", "没有完成：没有完成：what"),
            ("张三 is now 李四", "张三 现在是 李四"),
            (" is here", " 来了"),
            ("such as {\"type\":\"ping\"}", "例如 {\"type\":\"ping\"}"),
        ] {
            assert_eq!(zh(sentence), wanted, "{sentence}");
        }
        let deep = "not done: ".repeat(100);
        assert!(zh(&deep).starts_with("没有完成：没有完成："), "a bounded number of reasons");
    }

    #[test]
    fn parts_are_filled_in_once_and_a_reason_is_translated() {
        let zh = |gist, parts: &[(&str, &str)]| PHRASES.tell(Language::Zh, gist, parts);
        assert_eq!(zh("{was} is now {name}", &[("was", "{name}"), ("name", "a")]), "{name} 现在是 a");
        assert_eq!(zh("not done: {why}", &[("why", "done")]), "没有完成：完成");
        assert_eq!(zh("{name} is here", &[("name", "done")]), "done 来了", "a name is no sentence");
        assert_eq!(zh("unknown {x}", &[]), "unknown {x}");
        assert_eq!(zh("open {", &[]), "open {");
        let en = PHRASES.tell(Language::En, "not done: {why}", &[("why", "done")]);
        assert_eq!(en, "not done: done");
    }

    #[test]
    fn faults_of_a_table_are_found() {
        const BAD: &[Phrase] = &[("{a} b", "{b} 乙"), ("x", ""), ("y", "丙"), ("y", "丙")];
        assert_eq!(Phrases(&[BAD]).faults().len(), 3);
        assert_eq!(PHRASES.faults(), [""; 0]);
    }

    #[test]
    fn the_tag_decides() {
        for (tag, want) in [
            ("zh_CN.UTF-8", Language::Zh),
            ("zh-Hant-TW", Language::Zh),
            ("ZH", Language::Zh),
            ("zho", Language::En),
            ("C", Language::En),
            ("de_DE", Language::En),
            ("", Language::En),
            ("中", Language::En),
        ] {
            assert_eq!(Language::of_tag(tag), want, "{tag}");
        }
    }
}
