//! What the client commands say to people, in English and Chinese. The key is the English sentence.
//!
//! **Invariant.** Both languages name the same parts (`{name}`), and every sentence that a command asks for is in the
//! table; tests hold both. Help and usage are English only.

use std::{env, sync::OnceLock};

/// A language that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    En,
    Zh,
}

impl Tongue {
    /// As the protocol names it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

/// The language of whoever sits here.
pub(crate) fn tongue() -> Tongue {
    static TONGUE: OnceLock<Tongue> = OnceLock::new();
    *TONGUE.get_or_init(|| {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
        let named = named.into_iter().flatten().find(|value| !value.is_empty());
        of_locale(named.or_else(sys_locale::get_locale).as_deref())
    })
}

/// The sentence in the reader's language, with its parts filled in.
pub(crate) fn tell(gist: &str, parts: &[(&str, &str)]) -> String {
    in_tongue(tongue(), gist, parts)
}

fn of_locale(locale: Option<&str>) -> Tongue {
    let is_zh = |locale: &str| locale.get(..2).is_some_and(|code| code.eq_ignore_ascii_case("zh"));
    if locale.is_some_and(is_zh) { Tongue::Zh } else { Tongue::En }
}

fn in_tongue(tongue: Tongue, gist: &str, parts: &[(&str, &str)]) -> String {
    let zh = || TABLE.iter().find(|(en, _)| *en == gist).map(|(_, zh)| *zh);
    let sentence = match tongue {
        Tongue::En => gist,
        Tongue::Zh => zh().unwrap_or(gist),
    };
    fill(sentence, parts)
}

/// One pass, so that a part which looks like `{another}` stays as it is.
fn fill(sentence: &str, parts: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { break };
        match parts.iter().find(|(part, _)| *part == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    filled + rest
}

const TABLE: &[(&str, &str)] = &[
    ("you are {name} in {room}, {n} here", "你是 {name}，在 {room}，{n} 人在场"),
    ("{room} is open, {n} here", "{room} 已打开，{n} 人在场"),
    ("{name} is taken; you are {got}", "“{name}”已有人用，你现在是“{got}”"),
    ("you are now {name}", "你现在是 {name}"),
    ("offline, trying again in {t}", "已断线，{t} 后重试"),
    ("back, nothing missed", "已恢复，没有遗漏"),
    ("back; {n} messages are no longer kept", "已恢复；有 {n} 条消息已不再保留"),
    ("{n} messages of {room} are no longer kept", "{room} 有 {n} 条消息已不再保留"),
    ("{room} was restored from a backup or begun anew", "{room} 已从备份恢复或重新开始"),
    (
        "this hub is new here; its certificate is known from now on: {fingerprint}",
        "第一次连接这个中枢，已记住它的证书：{fingerprint}",
    ),
    ("{room} cannot be opened: {why}", "打不开 {room}：{why}"),
    ("not sent: {why}", "没有发出去：{why}"),
    ("not done: {why}", "没有完成：{why}"),
    (
        "the hub did not answer; {n} messages are not known to be sent",
        "中枢没有回应；有 {n} 条消息不确定是否发出",
    ),
    ("done", "完成"),
    ("{name} is here", "{name} 来了"),
    ("{name} has gone", "{name} 走了"),
    ("{was} is now {name}", "{was} 现在是 {name}"),
    ("{name} became a member", "{name} 成为成员"),
    ("{name} is no longer a member", "{name} 不再是成员"),
    ("{name} invited {who}", "{name} 邀请了 {who}"),
    ("{name} sent {who} out {reason}", "{name} 请出了 {who} {reason}"),
    ("{name} banned {who} {reason}", "{name} 封禁了 {who} {reason}"),
    ("{name} lifted the ban of {who}", "{name} 解除了对 {who} 的封禁"),
    ("{name} made {who} {standing}", "{name} 把 {who} 设为 {standing}"),
    ("{name} changed the room: {what}", "{name} 修改了房间：{what}"),
    ("{name} renamed the room to {room}", "{name} 把房间改名为 {room}"),
    ("{name} set the topic: {topic}", "{name} 把话题设为：{topic}"),
    ("{name} took the topic away", "{name} 去掉了话题"),
    ("{name} edited: {text}", "{name} 修改为：{text}"),
    ("{name} removed a message {reason}", "{name} 移除了一条消息 {reason}"),
    ("a message that was removed", "一条已移除的消息"),
    ("{name} answered {sign}", "{name} 回应了 {sign}"),
    ("{name} took {sign} back", "{name} 收回了 {sign}"),
    ("{name} put a file here: {file}, {size}", "{name} 放了文件：{file}，{size}"),
    ("you left {room}", "你离开了 {room}"),
    ("you were sent out of {room}", "你被请出了 {room}"),
    ("you are banned from {room}", "你被禁止进入 {room}"),
    ("{room} was deleted", "{room} 已删除"),
    ("{name} invites you to {room}: /join {room}", "{name} 邀请你加入 {room}：/join {room}"),
    ("topic of {room}: {topic}", "{room} 的话题：{topic}"),
    ("{room} has no topic", "{room} 没有话题"),
    ("{room}  {n} here  {topic}", "{room}  {n} 人在场  {topic}"),
    ("{n} here: {names}", "{n} 人在场：{names}"),
    ("there are no rooms", "没有房间"),
    ("nothing found", "没有找到"),
    ("nothing was said yet", "还没人说话"),
    ("{name}, a guest: here", "{name}，访客：在线"),
    ("{name}, a guest: away {text}", "{name}，访客：离开 {text}"),
    ("{name}, a guest: gone", "{name}，访客：不在线"),
    ("{name}, {role}: here", "{name}，{role}：在线"),
    ("{name}, {role}: away {text}", "{name}，{role}：离开 {text}"),
    ("{name}, {role}: gone", "{name}，{role}：不在线"),
    ("no room is open: /join one", "没有打开的房间：用 /join 进入"),
    ("you talk in {room} now", "现在在 {room} 说话"),
    ("there is no {command} here: /help lists what there is", "这里没有 {command}：/help 列出全部命令"),
    ("usage: {usage}", "用法：{usage}"),
    ("any other line is said; //text says /text", "其他内容直接发出；//文字 发出 /文字"),
    ("Password of {name}: ", "{name} 的密码："),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sentence: &str) -> Vec<&str> {
        let mut names: Vec<&str> = sentence
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn both_languages_name_the_same_parts() {
        for (en, zh) in TABLE {
            assert_eq!(parts(en), parts(zh), "{en}");
        }
    }

    #[test]
    fn what_the_commands_ask_for_is_in_the_table() {
        let sources = [
            include_str!("cmd/chat.rs"),
            include_str!("cmd/chat/show.rs"),
            include_str!("cmd/chat/typist.rs"),
            include_str!("cmd/say.rs"),
            include_str!("cmd/tail.rs"),
            include_str!("cmd/login.rs"),
        ];
        for source in sources {
            for call in source.split("tell(").skip(1) {
                let Some(gist) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next())
                else {
                    continue;
                };
                assert!(TABLE.iter().any(|(en, _)| *en == gist), "{gist}");
            }
        }
    }

    #[test]
    fn the_locale_decides() {
        for (locale, want) in [
            (Some("zh_CN.UTF-8"), Tongue::Zh),
            (Some("zh-Hant-TW"), Tongue::Zh),
            (Some("C"), Tongue::En),
            (Some("de_DE"), Tongue::En),
            (None, Tongue::En),
        ] {
            assert_eq!(of_locale(locale), want, "{locale:?}");
        }
    }

    #[test]
    fn parts_are_filled_in_once() {
        let told = in_tongue(Tongue::Zh, "{was} is now {name}", &[("was", "{name}"), ("name", "a")]);
        assert_eq!(told, "{name} 现在是 a");
        assert_eq!(in_tongue(Tongue::Zh, "unknown {x}", &[]), "unknown {x}");
    }
}
