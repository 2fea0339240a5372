//! What this library says about conns and requests, in Chinese. The English sentence, as an error shows itself, is the
//! key: [`hubbub_model::words::Phrases`] finds it.

use hubbub_model::words::Phrase;

/// The sentences of this library's errors.
pub const SENTENCES: &[Phrase] = &[
    // Addresses.
    (
        "{given} is no way to reach a hub: use hubbub://, hubbubs:// (TLS), chat://, chats:// or unix:///PATH",
        "{given} 不是中枢的地址：请用 hubbub://、hubbubs://（TLS）、chat://、chats:// 或 unix:///路径",
    ),
    (
        "the address names no host: write HOST:PORT, such as localhost:{port}",
        "地址里没有主机：请写 主机:端口，例如 localhost:{port}",
    ),
    (
        "{given} is no host: write HOST:PORT, or [IPV6]:PORT",
        "{given} 不是主机：请写 主机:端口，或 [IPV6]:端口",
    ),
    ("{given} is no port: it is a number from 1 to 65535", "{given} 不是端口：端口是 1 到 65535 的数"),
    (
        "{given} is no path of a socket: write unix:///PATH with three slashes",
        "{given} 不是套接字的路径：请写 unix:///路径，三个斜杠",
    ),
    ("the name has no address", "这个名字没有地址"),
    // Conns.
    ("cannot find the host {host}: {why}", "找不到主机 {host}：{why}"),
    ("cannot reach {address}: {why}", "连不上 {address}：{why}"),
    ("{address} did not answer within {n} s", "{address} 在 {n} 秒内没有回应"),
    ("TLS needs the host's name or address, and {host} is none", "TLS 需要主机的名字或地址，而 {host} 不是"),
    (
        "cannot speak TLS with {address}: {why}. Is that port meant for TLS?",
        "无法与 {address} 建立 TLS：{why}。那个端口是 TLS 端口吗？",
    ),
    ("what answers there is not a hub: {why}", "那里回应的不是中枢：{why}"),
    ("it does not answer a login", "它不回应登录"),
    ("it speaks no JSON", "它不说 JSON"),
    ("it speaks no version of the protocol that this client knows", "它说的协议版本，这个客户端不认识"),
    ("a room could not be opened again: {why}", "有个房间暂时打不开：{why}"),
    ("the hub sent what this version cannot read: {why}", "中枢发来的内容，这个版本读不懂：{why}"),
    ("the conn broke: {why}", "连接断了：{why}"),
    ("the hub closed the conn", "中枢关闭了连接"),
    ("the hub closed the conn: {why}", "中枢关闭了连接：{why}"),
    ("stopping", "中枢正在停止"),
    ("slow", "收得太慢"),
    ("revoked", "登录已失效"),
    ("replaced", "已在别处重新登录"),
    ("trouble", "中枢读不出存储"),
    ("the hub has not answered for {n} s", "中枢已有 {n} 秒没有回应"),
    ("this client has left", "这个客户端已离开"),
    ("the system gives no random numbers: {why}", "系统不给随机数：{why}"),
    // Keys.
    (
        "the key of {hub} has changed, so nothing was sent. Known so far: sha256:{known}, shown now: \
         sha256:{shown}. Either the hub was given a new key, or somebody stands between you and the hub: ask \
         whoever runs it for its fingerprint. If it is the one shown now, remove line {line} of {file} and connect again",
        "{hub} 的密钥变了，所以什么都没有发。以前是 sha256:{known}，现在是 sha256:{shown}。要么中枢换了密钥，要么有人夹在你和中枢\
         之间：请向运维者问指纹。如果就是现在这个，删去 {file} 的第 {line} 行，再连接",
    ),
    ("TLS needs a file of known hubs, and none was named", "TLS 需要一个记录已知中枢的文件，而没有给出"),
    ("cannot use the file of known hubs {file}: {why}", "无法使用记录已知中枢的文件 {file}：{why}"),
    // Requests.
    ("the request has {bytes} bytes, the hub takes {max}", "请求有 {bytes} 字节，中枢最多收 {max}"),
    (
        "the conn broke before the hub answered: it is not known whether that was done",
        "连接在中枢回应之前断了：不知道是否完成",
    ),
    ("the message cannot be sent: {why}", "消息发不出去：{why}"),
    ("this client logs in and out by itself", "这个客户端自己登录和退出"),
    ("the hub answered with something else", "中枢的回答不是所问的"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientError, Fault};
    use hubbub_model::{Language, words::Phrases};
    use std::time::Duration;

    #[test]
    fn every_sentence_has_its_twin_and_is_found() {
        let phrases = Phrases(&[SENTENCES]);
        assert_eq!(phrases.faults(), [""; 0]);
        let zh =
            |error: &dyn std::error::Error| phrases.translate(Language::Zh, &error.to_string()).into_owned();
        assert_eq!(zh(&Fault::Bye("stopping".into())), "中枢关闭了连接：中枢正在停止");
        assert_eq!(zh(&Fault::Silent(Duration::from_secs(40))), "中枢已有 40 秒没有回应");
        assert_eq!(zh(&ClientError::TooLarge { bytes: 9, max: 5 }), "请求有 9 字节，中枢最多收 5");
        let nowhere = "lab/room".parse::<crate::Address>().unwrap_err();
        assert_eq!(zh(&nowhere), "\"lab/room\" 不是主机：请写 主机:端口，或 [IPV6]:端口");
    }
}
