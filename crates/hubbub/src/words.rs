//! What the commands say to people, in the language of the reader's locale: Chinese where it begins with `zh`, else
//! English.
//!
//! The English sentence is the key, and stands where it is said: [`tell`] says one, [`translate`] says again what another
//! part (a library, the hub, the system) has said already. Answers in JSON, the log and what `serve` prints are English
//! in every locale: programs read them.
//!
//! **Invariant.** Both languages name the same parts, and each sentence that the sources say to people is in a table; tests
//! hold both.

mod chat;
mod doctor;
mod help;
mod manage;
mod parts;
#[cfg(test)]
mod sources;

pub(crate) use help::HELP;

use hubbub_model::{
    Language,
    words::{Phrases, REFUSALS},
};
use std::{borrow::Cow, env, sync::OnceLock};

/// The language of whoever sits here.
pub(crate) fn tongue() -> Language {
    static TONGUE: OnceLock<Language> = OnceLock::new();
    *TONGUE.get_or_init(|| {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
        let named = named.into_iter().flatten().find(|value| !value.is_empty());
        named.or_else(sys_locale::get_locale).map_or(Language::En, |tag| Language::of_tag(&tag))
    })
}

/// The sentence in the reader's language, with its parts filled in.
pub(crate) fn tell(gist: &str, parts: &[(&str, &str)]) -> String {
    PHRASES.tell(tongue(), gist, parts)
}

/// A finished English sentence in the reader's language.
pub(crate) fn translate(sentence: &str) -> Cow<'_, str> {
    PHRASES.translate(tongue(), sentence)
}

/// A word, such as the head of a column, in the reader's language.
pub(crate) fn word(english: &'static str) -> &'static str {
    match tongue() {
        Language::En => english,
        Language::Zh => PHRASES.exactly(english).unwrap_or(english),
    }
}

/// An error and its causes, each as an English sentence. Many errors tell their cause themselves; what has been said is
/// not said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Causes(Vec<String>);

impl Causes {
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let mut said: Vec<String> = Vec::new();
        for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
            if !said.iter().any(|before| before.contains(cause.trim())) {
                said.push(cause);
            }
        }
        Self(said)
    }

    /// On one line, in the reader's language.
    pub(crate) fn told(&self) -> String {
        self.in_language(tongue())
    }

    /// On one line, for programs.
    pub(crate) fn english(&self) -> String {
        self.in_language(Language::En)
    }

    fn in_language(&self, language: Language) -> String {
        let colon = match language {
            Language::En => ": ",
            Language::Zh => "：",
        };
        let said: Vec<_> = self.0.iter().map(|cause| PHRASES.translate(language, cause)).collect();
        said.join(colon)
    }
}

impl<T: Into<String>> From<T> for Causes {
    fn from(sentence: T) -> Self {
        Self(vec![sentence.into()])
    }
}

const PHRASES: Phrases = Phrases(&[
    chat::CHAT,
    manage::MANAGE,
    doctor::DOCTOR,
    help::COMPLAINTS,
    parts::PARTS,
    hubbub_client::words::SENTENCES,
    REFUSALS,
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_its_twin_and_stands_in_one_table() {
        assert_eq!(PHRASES.faults(), [""; 0]);
    }

    #[test]
    fn an_error_is_one_line_and_says_nothing_twice() {
        let cause = std::io::Error::other("disk on fire");
        let error =
            anyhow::Error::new(cause).context("cannot write x: disk on fire").context("cannot start\nnow");
        assert_eq!(Causes::of(&error).english(), "cannot start now: cannot write x: disk on fire");
    }

    #[test]
    fn each_cause_is_told_in_chinese() {
        let cause = std::io::Error::from_raw_os_error(2);
        let error = anyhow::Error::new(cause).context("cannot read the configuration file /x");
        let told = Causes::of(&error).in_language(Language::Zh);
        assert_eq!(told, "读不了配置文件 /x：没有这个文件或文件夹（系统错误 2）");
    }
}
