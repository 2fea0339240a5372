//! What the text format says by itself, in English and Chinese.

use hubbub_model::{RoomCard, RoomName, UserName};
use hubbub_wire::{Charset, text::Language};

/// The language of a conn: whoever writes a Chinese name, or GBK, reads Chinese.
pub(crate) fn language_of(name: &str, charset: Charset) -> Language {
    let han =
        |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}');
    if charset.is_gbk() || name.chars().any(han) { Language::Zh } else { Language::En }
}

/// One language's words.
pub(crate) struct Words {
    pub(crate) greeting: &'static str,
    pub(crate) bad_name: &'static str,
    pub(crate) bad_room: &'static str,
    pub(crate) renamed: &'static str,
    pub(crate) you_are: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) done: &'static str,
    pub(crate) nothing_found: &'static str,
    pub(crate) unread: &'static str,
    pub(crate) present: &'static str,
    pub(crate) guest: &'static str,
    pub(crate) account: &'static str,
    pub(crate) is_here: &'static str,
    pub(crate) away: &'static str,
    pub(crate) gone: &'static str,
    pub(crate) too_slow: &'static str,
    language: Language,
}

impl Words {
    pub(crate) fn in_language(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Zh => &ZH,
        }
    }

    pub(crate) fn gap(&self, n: u64) -> String {
        match self.language {
            Language::En => format!("{n} messages are no longer kept"),
            Language::Zh => format!("有 {n} 条消息已不再保留"),
        }
    }

    pub(crate) fn invited(&self, room: &RoomName, by: &UserName) -> String {
        match self.language {
            Language::En => format!("{by} invites you to {room}: /join {room}"),
            Language::Zh => format!("{by} 邀请你加入 {room}：/join {room}"),
        }
    }

    pub(crate) fn joined(&self, card: &RoomCard) -> String {
        let topic = if card.topic.is_empty() { String::new() } else { format!(" - {}", card.topic) };
        match self.language {
            Language::En => format!("you are in {} ({} here){topic}", card.name, card.attendees),
            Language::Zh => format!("你已进入 {}（{} 人在场）{topic}", card.name, card.attendees),
        }
    }

    pub(crate) fn here(&self, n: u32) -> String {
        match self.language {
            Language::En => format!("* {n} in all"),
            Language::Zh => format!("* 共 {n} 人"),
        }
    }
}

static EN: Words = Words {
    greeting: "Hubbub. Type your name, then talk; /help shows the commands. 你好：先输入名字，再聊天；/help 查看命令。",
    bad_name: "that cannot be a name",
    bad_room: "that cannot be a room's name",
    renamed: "that name is taken: you are",
    you_are: "you are",
    usage: "usage:",
    unknown: "there is no such command (see /help):",
    done: "done",
    nothing_found: "nothing found",
    unread: "unread",
    present: "here",
    guest: "guest",
    account: "account",
    is_here: "here",
    away: "away",
    gone: "gone",
    too_slow: "you read too slowly to keep up; come in again, /history shows what you missed",
    language: Language::En,
};

static ZH: Words = Words {
    greeting: "Hubbub。先输入名字，再聊天；/help 查看命令。",
    bad_name: "不能用作名字",
    bad_room: "不能用作房间名",
    renamed: "名字已被占用，你现在是",
    you_are: "你现在是",
    usage: "用法：",
    unknown: "没有这个命令（见 /help）：",
    done: "完成",
    nothing_found: "没有找到",
    unread: "条未读",
    present: "人在场",
    guest: "访客",
    account: "账号",
    is_here: "在线",
    away: "离开",
    gone: "不在线",
    too_slow: "你接收得太慢，跟不上聊天；请重新连接，用 /history 查看错过的消息",
    language: Language::Zh,
};
