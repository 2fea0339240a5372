//! What a line of the text format asks for.
//!
//! **Invariant.** One table holds each command's names, arguments, help and parser, so that `/help` cannot say
//! what is not true. `//x` says `/x`. A name with spaces is written in double quotes, which no name contains.

use hubbub_model::{Language, Standing, Visibility};

/// A line after the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// To be said as it is.
    Say(&'a str),
    /// A command.
    Slash(Slash),
}

/// A slash command. Names are as they were typed; the door parses them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each is and takes")]
pub enum Slash {
    Help,
    Nick(String),
    Join(String),
    Leave(Option<String>),
    Rooms,
    Who(Option<String>),
    Msg {
        to: String,
        text: String,
    },
    /// Sent as a message whose text is `/me TEXT`; whoever shows it writes `* NAME TEXT`.
    Me(String),
    /// Without a text: show it.
    Topic(Option<String>),
    /// The last so many messages.
    History(Option<u32>),
    /// Without a text: here again.
    Away(Option<String>),
    Quit,
    /// Without a password: the door asks for it.
    Login {
        name: String,
        password: Option<String>,
    },
    Register {
        password: String,
    },
    Password {
        old: String,
        new: String,
    },
    Create {
        room: String,
        visibility: Visibility,
    },
    Invite {
        who: String,
    },
    Kick {
        who: String,
        reason: String,
    },
    Ban {
        who: String,
        for_s: Option<u64>,
        reason: String,
    },
    Unban {
        who: String,
    },
    /// `/op`, `/voice`, and `/deop` or `/devoice`, which make a plain member.
    Stand {
        who: String,
        standing: Standing,
    },
    Ignore {
        who: String,
        on: bool,
    },
    Search(String),
    Whois(String),
    /// There is no such command; its name as typed.
    Unknown(String),
    /// Which language the hub's own lines are in.
    Lang(Language),
    /// The arguments do not fit; how the command is used.
    Usage(&'static str),
}

/// One command in the table.
#[derive(Debug)]
pub struct SlashRow {
    /// Its name, then other names for it.
    pub names: &'static [&'static str],
    /// How it is typed.
    pub usage: &'static str,
    /// What it does, in English.
    pub en: &'static str,
    /// What it does, in Chinese.
    pub zh: &'static str,
    parse: fn(&str) -> Option<Slash>,
}

/// Reads a line. What begins with `/` and a letter is a command; `//x` says `/x`.
pub fn parse_line(line: &str) -> Line<'_> {
    let Some(rest) = line.strip_prefix('/') else { return Line::Say(line) };
    if rest.starts_with('/') {
        return Line::Say(rest);
    }
    if !rest.starts_with(char::is_alphabetic) {
        return Line::Say(line);
    }
    let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Line::Slash(parse_slash(name, arguments.trim()))
}

/// The lines of `/help`.
pub fn help(language: Language) -> impl Iterator<Item = String> {
    TABLE.iter().map(move |row| {
        let what = match language {
            Language::En => row.en,
            Language::Zh => row.zh,
        };
        format!("{:<28} {what}", row.usage)
    })
}

/// Whether a line comes from a web client that took the port for a web server. Asked before the login only.
pub fn looks_like_http(line: &str) -> bool {
    if line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("host:")) {
        return true;
    }
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return false };
    let is_method = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    let has_version = words.next().is_some_and(|v| v.starts_with("HTTP/"));
    let is_target = target.starts_with('/') || target.starts_with("http://");
    is_method && (has_version || (METHODS.contains(&method) && is_target))
}

impl SlashRow {
    /// All commands, in the order of `/help`.
    pub fn all() -> &'static [Self] {
        TABLE
    }
}

fn parse_slash(name: &str, arguments: &str) -> Slash {
    let lower = name.to_lowercase();
    match TABLE.iter().find(|row| row.names.contains(&lower.as_str())) {
        Some(row) => (row.parse)(arguments).unwrap_or(Slash::Usage(row.usage)),
        None => Slash::Unknown(name.chars().take(NAME_SHOWN_CHARS).collect()),
    }
}

macro_rules! table {
    ($([$($name:literal)+] $usage:literal $en:literal $zh:literal $parse:expr;)+) => {
        const TABLE: &[SlashRow] =
            &[$(SlashRow { names: &[$($name),+], usage: $usage, en: $en, zh: $zh, parse: $parse }),+];
    };
}

table! {
    ["help" "h" "帮助"] "/help" "show this list" "显示本列表" |_| Some(Slash::Help);
    ["nick" "name" "昵称"] "/nick NAME" "change your name" "改名" |a| rest(a).map(Slash::Nick);
    ["join" "j" "加入"] "/join ROOM" "go to a room" "进入房间" |a| word(a).map(|room| Slash::Join(room_word(&room)));
    ["leave" "part" "离开"] "/leave [ROOM]" "leave a room for good" "退出房间" |a| optional(a, Slash::Leave);
    ["rooms" "list" "房间"] "/rooms" "list the rooms" "列出房间" |_| Some(Slash::Rooms);
    ["who" "w" "names" "在场"] "/who [ROOM]" "show who is here" "查看谁在场" |a| optional(a, Slash::Who);
    ["msg" "m" "query" "私聊"] "/msg NAME TEXT" "talk to one person" "私聊" msg;
    ["me"] "/me TEXT" "say what you are doing" "描述动作" |a| rest(a).map(Slash::Me);
    ["topic" "主题"] "/topic [TEXT]" "show or change the topic" "查看或修改主题"
        |a| Some(Slash::Topic(rest(a)));
    ["history" "hist" "历史"] "/history [COUNT]" "show earlier messages" "查看历史消息" history;
    ["search" "find" "搜索"] "/search WORDS" "look for messages" "搜索消息" |a| rest(a).map(Slash::Search);
    ["away" "back" "暂离"] "/away [TEXT]" "be away; without a text, be back" "设为离开；不带文字则回来"
        |a| Some(Slash::Away(rest(a)));
    ["whois" "查询"] "/whois NAME" "show who somebody is" "查询某人" |a| rest(a).map(|a| Slash::Whois(unquoted(&a)));
    ["ignore" "屏蔽"] "/ignore NAME" "see nothing more from somebody" "屏蔽某人" |a| ignore(a, true);
    ["unignore" "取消屏蔽"] "/unignore NAME" "see somebody again" "取消屏蔽" |a| ignore(a, false);
    ["login" "登录"] "/login NAME [PASSWORD]" "log in to your account" "登录账号" login;
    ["register" "注册"] "/register PASSWORD" "make your name an account" "把当前名字注册为账号"
        |a| word(a).map(|password| Slash::Register { password });
    ["password" "密码"] "/password OLD NEW" "change your password" "修改密码" password;
    ["create" "创建"] "/create ROOM [private|hidden]" "make a room" "创建房间" create;
    ["invite" "邀请"] "/invite NAME" "let somebody in" "邀请某人" |a| name(a).map(|who| Slash::Invite { who });
    ["kick" "踢出"] "/kick NAME [REASON]" "send somebody out" "请出某人" kick;
    ["ban" "封禁"] "/ban NAME [30m|2h|7d] [REASON]" "keep somebody out" "封禁某人" ban;
    ["unban" "解封"] "/unban NAME" "lift a ban" "解除封禁" |a| name(a).map(|who| Slash::Unban { who });
    ["op" "管理"] "/op NAME" "make somebody an operator" "设为管理员" |a| stand(a, Standing::Operator);
    ["deop" "取消管理"] "/deop NAME" "take that back" "取消管理员" |a| stand(a, Standing::Member);
    ["voice" "发言"] "/voice NAME" "let somebody speak" "允许发言" |a| stand(a, Standing::Voice);
    ["devoice" "取消发言"] "/devoice NAME" "take that back" "取消发言" |a| stand(a, Standing::Member);
    ["lang" "language" "语言"] "/lang zh|en" "choose the language" "选择语言" lang;
    ["quit" "exit" "bye" "q" "退出"] "/quit" "say good-bye" "断开连接" |_| Some(Slash::Quit);
}

fn msg(arguments: &str) -> Option<Slash> {
    let (to, text) = first(arguments)?;
    Some(Slash::Msg { to, text: rest(text)? })
}

fn history(arguments: &str) -> Option<Slash> {
    if arguments.is_empty() {
        return Some(Slash::History(None));
    }
    arguments.parse().ok().map(|n| Slash::History(Some(n)))
}

fn login(arguments: &str) -> Option<Slash> {
    let (name, password) = first(arguments)?;
    Some(Slash::Login { name, password: rest(password) })
}

fn lang(arguments: &str) -> Option<Slash> {
    let word = arguments.to_ascii_lowercase();
    let known = Language::WORDS.into_iter().chain([("中文", Language::Zh), ("english", Language::En)]);
    known.into_iter().find(|(code, _)| *code == word).map(|(_, language)| Slash::Lang(language))
}

fn password(arguments: &str) -> Option<Slash> {
    let (old, new) = first(arguments)?;
    Some(Slash::Password { old, new: word(new)? })
}

fn create(arguments: &str) -> Option<Slash> {
    let (room, kind) = first(arguments)?;
    let visibility = match kind.to_ascii_lowercase().as_str() {
        "" | "public" => Visibility::Public,
        "private" => Visibility::Private,
        "hidden" => Visibility::Hidden,
        _ => return None,
    };
    Some(Slash::Create { room: room_word(&room), visibility })
}

fn kick(arguments: &str) -> Option<Slash> {
    let (who, reason) = first(arguments)?;
    Some(Slash::Kick { who, reason: reason.into() })
}

fn ban(arguments: &str) -> Option<Slash> {
    let (who, tail) = first(arguments)?;
    let (span, reason) = tail.split_once(char::is_whitespace).unwrap_or((tail, ""));
    Some(match span_s(span) {
        Some(for_s) => Slash::Ban { who, for_s: Some(for_s), reason: reason.trim().into() },
        None => Slash::Ban { who, for_s: None, reason: tail.into() },
    })
}

fn stand(arguments: &str, standing: Standing) -> Option<Slash> {
    name(arguments).map(|who| Slash::Stand { who, standing })
}

fn ignore(arguments: &str, on: bool) -> Option<Slash> {
    name(arguments).map(|who| Slash::Ignore { who, on })
}

/// Seconds of `90s`, `30m`, `2h`, `7d`.
fn span_s(word: &str) -> Option<u64> {
    let unit = match word.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = word.get(..word.len() - 1)?.parse().ok()?;
    count.checked_mul(unit).filter(|s| *s > 0)
}

/// The first word, or what stands in double quotes, and what follows it.
fn first(arguments: &str) -> Option<(String, &str)> {
    let (word, tail) = match arguments.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => arguments.split_once(char::is_whitespace).unwrap_or((arguments, "")),
    };
    (!word.is_empty()).then(|| (word.to_owned(), tail.trim_start()))
}

/// One name and nothing else. Without quotes all of it is the name, spaces and all.
fn name(arguments: &str) -> Option<String> {
    rest(arguments).map(|all| unquoted(&all))
}

fn unquoted(all: &str) -> String {
    all.trim_matches('"').to_owned()
}

/// One word and nothing else.
fn word(arguments: &str) -> Option<String> {
    let (word, tail) = first(arguments)?;
    tail.is_empty().then_some(word)
}

/// A room may be typed with the `#` of other chats.
fn room_word(word: &str) -> String {
    word.strip_prefix('#').filter(|name| !name.is_empty()).unwrap_or(word).to_owned()
}

/// All that follows, unless it is nothing.
fn rest(arguments: &str) -> Option<String> {
    (!arguments.is_empty()).then(|| arguments.to_owned())
}

fn optional(arguments: &str, make: fn(Option<String>) -> Slash) -> Option<Slash> {
    if arguments.is_empty() { Some(make(None)) } else { word(arguments).map(|w| make(Some(room_word(&w)))) }
}

/// RFC 9110 section 9.3, and what begins HTTP/2.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
/// How much of an unknown command an answer repeats.
const NAME_SHOWN_CHARS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn slash(line: &str) -> Slash {
        match parse_line(line) {
            Line::Slash(slash) => slash,
            say => panic!("{line}: {say:?}"),
        }
    }

    fn some(s: &str) -> Option<String> {
        Some(s.into())
    }

    #[test]
    fn what_is_no_command_is_said() {
        let cases =
            [("hi", "hi"), ("", ""), ("//x", "/x"), ("/", "/"), ("/ x", "/ x"), ("/1", "/1"), (" /x", " /x")];
        for (line, want) in cases {
            assert_eq!(parse_line(line), Line::Say(want), "{line:?}");
        }
    }

    #[test]
    fn commands_take_their_arguments() {
        let cases = [
            ("/help", Slash::Help),
            ("/HELP me", Slash::Help),
            ("/帮助", Slash::Help),
            ("/nick Ada L.", Slash::Nick("Ada L.".into())),
            ("/join lab", Slash::Join("lab".into())),
            ("/j  #lab ", Slash::Join("lab".into())),
            ("/leave", Slash::Leave(None)),
            ("/leave lab", Slash::Leave(some("lab"))),
            ("/rooms", Slash::Rooms),
            ("/who", Slash::Who(None)),
            ("/msg bob hi there", Slash::Msg { to: "bob".into(), text: "hi there".into() }),
            ("/msg \"Ada L.\" hi", Slash::Msg { to: "Ada L.".into(), text: "hi".into() }),
            ("/me waves", Slash::Me("waves".into())),
            ("/topic", Slash::Topic(None)),
            ("/topic a b", Slash::Topic(some("a b"))),
            ("/history", Slash::History(None)),
            ("/history 20", Slash::History(Some(20))),
            ("/away tea", Slash::Away(some("tea"))),
            ("/back", Slash::Away(None)),
            ("/quit", Slash::Quit),
            ("/login ada", Slash::Login { name: "ada".into(), password: None }),
            ("/login ada p w", Slash::Login { name: "ada".into(), password: some("p w") }),
            ("/register #pw", Slash::Register { password: "#pw".into() }),
            ("/password a b", Slash::Password { old: "a".into(), new: "b".into() }),
            ("/create lab", Slash::Create { room: "lab".into(), visibility: Visibility::Public }),
            ("/create lab hidden", Slash::Create { room: "lab".into(), visibility: Visibility::Hidden }),
            ("/invite Ada L.", Slash::Invite { who: "Ada L.".into() }),
            ("/kick bob", Slash::Kick { who: "bob".into(), reason: String::new() }),
            ("/kick bob too loud", Slash::Kick { who: "bob".into(), reason: "too loud".into() }),
            ("/ban bob", Slash::Ban { who: "bob".into(), for_s: None, reason: String::new() }),
            ("/ban bob 2h spam", Slash::Ban { who: "bob".into(), for_s: Some(7200), reason: "spam".into() }),
            ("/ban bob 3 times", Slash::Ban { who: "bob".into(), for_s: None, reason: "3 times".into() }),
            ("/unban bob", Slash::Unban { who: "bob".into() }),
            ("/op bob", Slash::Stand { who: "bob".into(), standing: Standing::Operator }),
            ("/devoice bob", Slash::Stand { who: "bob".into(), standing: Standing::Member }),
            ("/ignore bob", Slash::Ignore { who: "bob".into(), on: true }),
            ("/search 聊天", Slash::Search("聊天".into())),
            ("/whois \"Ada L.\"", Slash::Whois("Ada L.".into())),
            ("/lang zh", Slash::Lang(Language::Zh)),
            ("/LANG EN", Slash::Lang(Language::En)),
            ("/语言 中文", Slash::Lang(Language::Zh)),
            ("/fly", Slash::Unknown("fly".into())),
        ];
        for (line, want) in cases {
            assert_eq!(slash(line), want, "{line}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_show_the_usage() {
        for line in [
            "/join",
            "/join a b",
            "/msg",
            "/msg bob",
            "/nick",
            "/history x",
            "/create lab round",
            "/op",
            "/lang de",
        ] {
            let Slash::Usage(usage) = slash(line) else { panic!("{line}") };
            assert!(usage.starts_with(line.split(' ').next().unwrap()));
        }
        assert!(matches!(slash("/msg \"open hi"), Slash::Usage(_)));
        assert!(matches!(slash("/ban bob 99999999999999999999d"), Slash::Ban { for_s: None, .. }));
        assert!(matches!(slash("/ban bob 999999999999999999d"), Slash::Ban { for_s: None, .. }));
    }

    #[test]
    fn the_table_is_whole_and_no_name_stands_for_two() {
        let mut names = HashSet::new();
        for row in SlashRow::all() {
            assert!(!row.en.is_empty() && !row.zh.is_empty());
            assert!(row.usage.starts_with(&format!("/{}", row.names[0])));
            assert!(row.names.iter().all(|name| names.insert(*name) && *name == name.to_lowercase()));
        }
        assert_eq!(help(Language::Zh).count(), SlashRow::all().len());
        assert_eq!(help(Language::En).next().unwrap(), format!("{:<28} show this list", "/help"));
    }

    #[test]
    fn web_clients_are_recognised_and_people_are_not() {
        for line in [
            "GET / HTTP/1.1",
            "POST /x HTTP/1.0",
            "GET /",
            "BREW x HTTP/1.1",
            "Host: a",
            "host:a",
            "PRI * HTTP/2.0",
            "CONNECT a:443 HTTP/1.1",
            "GET http://a/",
        ] {
            assert!(looks_like_http(line), "{line}");
        }
        for line in ["", "ada", "GET ready", "get / x", "Hostess", "张三", "OK / fine", "PUT it down"] {
            assert!(!looks_like_http(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in any::<String>(), tail in any::<String>()) {
            let _ = parse_line(&line);
            let _ = looks_like_http(&line);
            for row in SlashRow::all() {
                let _ = parse_line(&format!("/{} {tail}", row.names[0]));
            }
        }
    }
}
