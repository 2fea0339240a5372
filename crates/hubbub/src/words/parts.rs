//! What the doors, the store and the system say when a hub cannot start, and what is not theirs to translate: they give
//! errors in English, and a person reads them here.

use hubbub_model::words::Phrase;

pub(super) const PARTS: &[Phrase] = &[
    // Listeners.
    (
        "\"{given}\" is not a listener: write it as any://127.0.0.1:7272 or any+unix:///PATH",
        "\"{given}\" 不是监听：请写成 any://127.0.0.1:7272 或 any+unix:///路径",
    ),
    ("there is no listener called \"{given}\"", "没有叫 \"{given}\" 的监听"),
    (
        "there is no listener called \"{given}\"; did you mean \"{near}\"?",
        "没有叫 \"{given}\" 的监听；是不是 \"{near}\"？",
    ),
    (
        "\"{given}\" needs a port, such as 127.0.0.1:7272 or [::1]:7272; port 0 takes any free one",
        "\"{given}\" 缺少端口，例如 127.0.0.1:7272 或 [::1]:7272；端口 0 取任一空闲的",
    ),
    (
        "\"{given}\" is not a host: IPv6 is written in brackets, as [::1]",
        "\"{given}\" 不是主机：IPv6 要写在方括号里，如 [::1]",
    ),
    (
        "{scheme}:// listens for datagrams and cannot be had on a Unix socket",
        "{scheme}:// 收数据报，不能用在 Unix 套接字上",
    ),
    (
        "\"{given}\" is not an absolute path: write any+unix:///run/hubbub.sock",
        "\"{given}\" 不是绝对路径：请写成 any+unix:///run/hubbub.sock",
    ),
    ("there is no listener option \"{given}\"", "没有监听选项 \"{given}\""),
    (
        "there is no listener option \"{given}\"; did you mean \"{near}\"?",
        "没有监听选项 \"{given}\"；是不是 \"{near}\"？",
    ),
    ("{key}={given} is not possible: {option} takes {why}", "{key}={given} 不行：{option} 应为 {why}"),
    (
        "{key}={given} is not possible: {option} takes {why}; did you mean \"{near}\"?",
        "{key}={given} 不行：{option} 应为 {why}；是不是 \"{near}\"？",
    ),
    ("a number, such as 20", "数，例如 20"),
    ("a time from 10ms to 1m, such as 1.5s", "10ms 到 1m 的时间，例如 1.5s"),
    ("networks, such as 10.0.0.0/8,::1", "网络，例如 10.0.0.0/8,::1"),
    (
        "{scheme}s:// speaks TLS from the first byte: tls=off contradicts it",
        "{scheme}s:// 从第一个字节就是 TLS：与 tls=off 矛盾",
    ),
    (
        "cannot listen on {address} (for {url}): {why}. Is another hub running? Choose another address with --listen",
        "无法监听 {address}（{url}）：{why}。是不是另有中枢在运行？请用 --listen 另选地址",
    ),
    (
        "cannot listen on {address} (for {url}): {why}. Ports below 1024 need a privilege. Choose a higher port with --listen",
        "无法监听 {address}（{url}）：{why}。1024 以下的端口需要特权。请用 --listen 选更大的端口",
    ),
    (
        "cannot listen on {address} (for {url}): {why}. This machine has no such address. Choose another with --listen",
        "无法监听 {address}（{url}）：{why}。本机没有这个地址。请用 --listen 另选",
    ),
    (
        "cannot listen on {address} (for {url}): {why}. Choose another address with --listen",
        "无法监听 {address}（{url}）：{why}。请用 --listen 另选地址",
    ),
    (
        "cannot listen on {url}: the host is not known ({why}). Write an address, such as 127.0.0.1, or * for all",
        "无法监听 {url}：不认识这个主机（{why}）。请写地址，例如 127.0.0.1，或用 * 表示全部",
    ),
    (
        "cannot listen on {path}: another hub answers there. Choose another path with --listen",
        "无法监听 {path}：另有中枢在那里。请用 --listen 另选路径",
    ),
    (
        "cannot listen on {path}: there is a file that is not a socket. Choose another path with --listen",
        "无法监听 {path}：那里有个文件，不是套接字。请用 --listen 另选路径",
    ),
    ("cannot listen on {url}: this hub has no {door} door", "无法监听 {url}：这个中枢没有 {door} 门"),
    (
        "cannot listen on {url}: it asks for TLS, and TLS is switched off",
        "无法监听 {url}：它要 TLS，而 TLS 已关闭",
    ),
    // Certificates.
    (
        "cannot read {file}: {why}. Check that it exists and that the hub's user may read it",
        "读不了 {file}：{why}。请检查它是否存在、中枢的用户能否读取",
    ),
    (
        "cannot write {file}: {why}. Check that the hub's user may write there",
        "写不了 {file}：{why}。请检查中枢的用户能否在那里写入",
    ),
    (
        "{file} holds no certificate: it must be PEM, with the server's certificate first and its issuers behind it",
        "{file} 里没有证书：要是 PEM 格式，先是服务器证书，后面是签发者的",
    ),
    (
        "cannot keep the key {file}: check that this user owns the data folder",
        "存不了密钥 {file}：请检查数据文件夹是否属于这个用户",
    ),
    (
        "{file} is not a key of 32 bytes: remove it, and guests come in anew",
        "{file} 不是 32 字节的密钥：删去它，访客会重新进入",
    ),
    ("{file} holds no private key: it must be PEM, not encrypted", "{file} 里没有私钥：要是未加密的 PEM"),
    (
        "{cert} and {key} cannot be used together: {why}. Give the key that the certificate was made for",
        "{cert} 和 {key} 不能一起用：{why}。请给出与证书对应的私钥",
    ),
    (
        "cannot make a certificate for these names: {why}. Give one with a certificate and a key file",
        "无法为这些名字制作证书：{why}。请用证书和私钥文件给出一个",
    ),
    // The store. Its causes are SQLite's own words.
    ("cannot start a thread", "无法启动线程"),
    ("cannot start a thread: {why}", "无法启动线程：{why}"),
    ("cannot {doing}: {error}. {why}", "存储操作失败（{doing}：{error}）。{why}"),
    ("cannot {doing} {file}: {error}. {why}", "存储操作失败（{doing} {file}：{error}）。{why}"),
    ("cannot {doing}: {error}", "存储操作失败（{doing}：{error}）"),
    ("the store holds {what}", "存储内容有误：{what}"),
    ("the store holds {what}. {why}", "存储内容有误：{what}。{why}"),
    ("The disk is full: make room on it, then start hubbub again", "磁盘满了：请腾出空间，再启动 hubbub"),
    (
        "The disk or the system failed: look into the system's log, check the disk, then start hubbub again",
        "磁盘或系统出错：请看系统日志，检查磁盘，再启动 hubbub",
    ),
    (
        "The store is damaged: run `hubbub doctor`, and restore the last backup if it says so",
        "存储已损坏：请运行 `hubbub doctor`，并按它所说恢复最近的备份",
    ),
    (
        "Another process is writing to the store: stop the other hubbub, or whatever has hubbub.db open",
        "另有进程在写存储：请停掉另一个 hubbub，或打开着 hubbub.db 的程序",
    ),
    (
        "Check that the data directory exists, and that this user may write to it and to hubbub.db",
        "请检查数据目录是否存在、此用户能否写它和 hubbub.db",
    ),
    ("Update hubbub, or restore a backup", "请更新 hubbub，或恢复备份"),
    ("This is a fault in hubbub: please report it", "这是 hubbub 的错误：请报告"),
    (
        "hubbub.db is a database of another program: move it away, or choose another data directory",
        "hubbub.db 是别的程序的数据库：请移走它，或另选数据目录",
    ),
    (
        "hubbub.db was written by a newer Hubbub (schema {version}, this one knows {known}): update hubbub, or restore a \
         backup",
        "hubbub.db 是更新的 Hubbub 写的（结构 {version}，这一个只认识 {known}）：请更新 hubbub，或恢复备份",
    ),
    // The system's words for what goes wrong most.
    ("Connection refused (os error {n})", "连接被拒绝（系统错误 {n}）"),
    ("Connection reset by peer (os error {n})", "连接被对方重置（系统错误 {n}）"),
    ("Broken pipe (os error {n})", "管道已断（系统错误 {n}）"),
    ("No such file or directory (os error {n})", "没有这个文件或文件夹（系统错误 {n}）"),
    ("Permission denied (os error {n})", "没有权限（系统错误 {n}）"),
    ("Address already in use (os error {n})", "地址已被占用（系统错误 {n}）"),
    ("Cannot assign requested address (os error {n})", "本机没有这个地址（系统错误 {n}）"),
    ("Network is unreachable (os error {n})", "网络不通（系统错误 {n}）"),
    ("No route to host (os error {n})", "到主机没有路由（系统错误 {n}）"),
    ("Is a directory (os error {n})", "是文件夹（系统错误 {n}）"),
    ("Not a directory (os error {n})", "不是文件夹（系统错误 {n}）"),
    ("No space left on device (os error {n})", "磁盘没有空间了（系统错误 {n}）"),
    ("Read-only file system (os error {n})", "文件系统是只读的（系统错误 {n}）"),
    ("Too many open files (os error {n})", "打开的文件太多（系统错误 {n}）"),
    ("failed to lookup address information: {cause}", "查不到地址（{cause}）"),
    ("unexpected end of file", "意外结束"),
    ("tls handshake eof", "TLS 握手中断"),
    ("address in use", "地址已被占用"),
    ("entity not found", "没有找到"),
];
