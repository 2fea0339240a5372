//! What the text format says by itself, in English and Chinese.
//!
//! **Invariant.** The English sentence is the key, and stands where it is said. What the hub itself says (refusals, notices)
//! has its table in `hubbub_model::words`.

use hubbub_model::{
    Language,
    words::{Phrase, Phrases, REFUSALS},
};
use hubbub_wire::Charset;
use std::borrow::Cow;

/// The language that a client shows by itself: whoever writes a Chinese name, or GBK, reads Chinese.
pub(crate) fn shown_by(name: &str, charset: Charset) -> Option<Language> {
    let han =
        |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}');
    (charset.is_gbk() || name.chars().any(han)).then_some(Language::Zh)
}

/// The sentence in this language, with its parts filled in.
pub(crate) fn tell(language: Language, gist: &str, parts: &[(&str, &str)]) -> String {
    PHRASES.tell(language, gist, parts)
}

/// What another part of the hub said in English, in this language.
pub(crate) fn translate(language: Language, sentence: &str) -> Cow<'_, str> {
    PHRASES.translate(language, sentence)
}

/// What a silent newcomer is told.
pub(crate) const GREETING: &str =
    "Hubbub. Type your name, then talk; /help shows the commands. 你好：先输入名字，再聊天；/help 查看命令。";

/// What a reader is told who has fallen out of what the hub keeps in memory.
pub(crate) const TOO_SLOW: &str =
    "you read too slowly to keep up; come in again, /history shows what you missed";

const PHRASES: Phrases = Phrases(&[TABLE, REFUSALS]);

const TABLE: &[Phrase] = &[
    (GREETING, "Hubbub。先输入名字，再聊天；/help 查看命令。/lang en for English."),
    ("that cannot be a name: {why}", "不能用作名字：{why}"),
    ("that cannot be a room's name: {why}", "不能用作房间名：{why}"),
    ("that name is taken: you are {name}", "名字已被占用，你现在是 {name}"),
    ("you are {name}", "你现在是 {name}"),
    ("usage: {usage}", "用法：{usage}"),
    ("there is no such command (see /help): /{name}", "没有这个命令（见 /help）：/{name}"),
    ("the hub speaks English to you now", "中枢现在对你说中文"),
    ("done", "完成"),
    ("nothing found", "没有找到"),
    // Rooms.
    ("you are in {room} ({n} here){topic}", "你已进入 {room}（{n} 人在场）{topic}"),
    ("{room} ({n} here){topic}", "{room}（{n} 人在场）{topic}"),
    ("{room} ({n} here, {unread} unread){topic}", "{room}（{n} 人在场，{unread} 条未读）{topic}"),
    ("{by} invites you to {room}: /join {room}", "{by} 邀请你加入 {room}：/join {room}"),
    ("{n} messages are no longer kept", "有 {n} 条消息已不再保留"),
    // People.
    ("{n} in all", "共 {n} 人"),
    ("{name} [guest]", "{name} [访客]"),
    ("{name} (away {text})", "{name}（离开 {text}）"),
    ("{name}: account, {why}", "{name}：账号，{why}"),
    ("{name}: guest, {why}", "{name}：访客，{why}"),
    ("here", "在线"),
    ("away {text}", "离开 {text}"),
    ("gone", "不在线"),
    // Events.
    ("{name} edited: {text}", "{name} 修改为：{text}"),
    ("{name} set the topic: {topic}", "{name} 把主题设为：{topic}"),
    ("{name} shared {file} ({size} bytes)", "{name} 分享了 {file}（{size} 字节）"),
    ("{by} sent {name} out", "{by} 请出了 {name}"),
    ("{by} sent {name} out: {reason}", "{by} 请出了 {name}：{reason}"),
    ("{by} banned {name}", "{by} 封禁了 {name}"),
    ("{by} banned {name}: {reason}", "{by} 封禁了 {name}：{reason}"),
    ("{by} made {name} {why}", "{by} 把 {name} 设为{why}"),
    ("operator", "房间管理员"),
    ("voice", "可发言者"),
    ("member", "普通成员"),
    ("{by} set {what}", "{by} 修改了设置：{what}"),
    ("{by} renamed the room: {name}", "{by} 把房间改名为：{name}"),
    // Ends.
    ("you left the room", "你已离开聊天室"),
    ("you were sent out of the room", "你已被移出聊天室"),
    ("you were banned from the room", "你已被禁止进入聊天室"),
    ("the room was deleted", "聊天室已删除"),
    (TOO_SLOW, "你接收得太慢，跟不上聊天；请重新连接，用 /history 查看错过的消息"),
    ("you took too long", "等待太久，连接关闭"),
    ("your login is no longer valid", "登录已失效"),
    ("you logged in again from elsewhere", "你已在别处重新登录"),
    ("the hub could not read its store", "服务器无法读取存储"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_its_twin() {
        assert_eq!(PHRASES.faults(), [""; 0]);
    }

    #[test]
    fn what_this_crate_says_is_in_the_table() {
        let mut calls = 0;
        for source in [include_str!("text.rs"), include_str!("lines.rs")] {
            let source = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
            for call in ["note(step, \"", "tell(language, \""] {
                for rest in source.split(call).skip(1) {
                    let gist = rest.split('"').next().unwrap();
                    assert!(PHRASES.exactly(gist).is_some(), "{gist}");
                    calls += 1;
                }
            }
        }
        assert!(calls > 25, "the calls are looked for in another form: {calls}");
    }
}
