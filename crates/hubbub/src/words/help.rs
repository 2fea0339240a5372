//! Help and usage: the texts of the command line, as `clap` takes them from the doc comments of the arguments, and its
//! complaints.

use hubbub_model::words::Phrase;

/// What is wrong with a command line.
pub(super) const COMPLAINTS: &[Phrase] = &[
    ("unrecognized subcommand '{name}'", "没有命令“{name}”"),
    ("unexpected argument '{name}'", "没有参数“{name}”"),
    ("a value is required for '{name}'", "“{name}”需要一个值"),
    ("invalid value '{value}' for '{name}'", "“{name}”不能是“{value}”"),
    ("invalid value '{value}' for '{name}': {why}", "“{name}”不能是“{value}”：{why}"),
    ("these are missing: {names}", "缺少：{names}"),
    ("'{name}' cannot be used with {others}", "“{name}”不能与 {others} 一起用"),
    ("'{name}' was given more than once, or with too many values", "“{name}”给了多次，或值太多"),
    ("write '{name}' with an equal sign, as --NAME=VALUE", "“{name}”要带等号，写成 --名字=值"),
    ("a command is missing", "缺少命令"),
    ("possible: {names}", "可用：{names}"),
    ("did you mean '{name}'?", "是不是“{name}”？"),
    ("--help tells more", "用 --help 查看说明"),
];

/// Each text of the help, with its twin. The English stands in the doc comments.
pub(crate) const HELP: &[Phrase] = &[
    (
        "One hub, many doors: a self-hosted place to talk, share files and watch machines",
        "一个中枢，许多门：自己架设，聊天、分享文件、照看机器",
    ),
    (
        "\
Examples:
  hubbub serve                                   a hub for this machine, on port 7272
  hubbub user add ada --role owner               make yourself its owner
  hubbub chat                                    talk, from a terminal
  nc 127.0.0.1 7272                              talk, with nothing but nc
  hubbub serve --listen 'any://0.0.0.0:7272?guests=yes'
                                                 a hub for the network, guests welcome

Exit codes: 0 done, 1 refused or failed, 2 usage. hubbub COMMAND --help tells more.",
        "\
例子：
  hubbub serve                                   给本机开一个中枢，端口 7272
  hubbub user add ada --role owner               让自己成为它的所有者
  hubbub chat                                    在终端里聊天
  nc 127.0.0.1 7272                              只用 nc 聊天
  hubbub serve --listen 'any://0.0.0.0:7272?guests=yes'
                                                 给局域网开一个中枢，欢迎访客

退出码：0 完成，1 被拒绝或失败，2 用法不对。hubbub 命令 --help 有更多说明。",
    ),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
    // serve
    ("Run a hub in the foreground until it is told to stop", "在前台运行中枢，直到被要求停止"),
    (
        "\
Examples:
  hubbub serve
  hubbub serve --data /srv/hub --listen 'any://0.0.0.0:7272?guests=yes' --listen any+unix:///run/hubbub.sock

SIGTERM and Ctrl-C stop it, SIGHUP and `hubbub reload` reload it. The log goes to standard error.",
        "\
例子：
  hubbub serve
  hubbub serve --data /srv/hub --listen 'any://0.0.0.0:7272?guests=yes' --listen any+unix:///run/hubbub.sock

SIGTERM 和 Ctrl-C 停止它，SIGHUP 和 `hubbub reload` 让它重新读取配置。日志写到标准错误。",
    ),
    ("Configuration file (hubbub.toml)", "配置文件（hubbub.toml）"),
    ("Folder that keeps everything", "保存一切的文件夹"),
    (
        "Where to listen, such as any://127.0.0.1:7272; repeatable, replaces the list of the file",
        "在哪里监听，例如 any://127.0.0.1:7272；可重复，取代文件里的列表",
    ),
    // Who and where, for chat, say and tail
    (
        "The hub: hubbub://HOST:PORT, hubbubs://HOST:PORT (TLS), unix:///PATH, or just HOST [default: 127.0.0.1:7272]",
        "中枢：hubbub://主机:端口、hubbubs://主机:端口（TLS）、unix:///路径，或只写主机（默认 127.0.0.1:7272）",
    ),
    (
        "Come in as a guest of this name [default: your login name]",
        "以这个名字作为访客进入（默认是你的系统用户名）",
    ),
    (
        "Log in to this account; the password comes from HUBBUB_PASSWORD, or is asked for at a terminal",
        "登录这个账号；密码取自 HUBBUB_PASSWORD，或在终端询问",
    ),
    ("Log in with the token in this file", "用这个文件里的令牌登录"),
    // chat
    ("Talk in a room", "在房间里聊天"),
    (
        "\
Lines that are typed are said; lines that begin with a slash are commands, /help lists them.
Without --name, and with standard input from a pipe, the first line may be `login NAME`; then `send TEXT` says TEXT.
When standard input ends, the command waits until all is acknowledged: 0 means that everything was delivered.

Examples:
  hubbub chat
  hubbub chat hubbubs://hub.example --account ada --room lab
  echo 'backup done' | hubbub chat --name cron --room ops --plain",
        "\
输入的行就是要说的话；以斜杠开头的行是命令，/help 列出它们。
不带 --name 且标准输入来自管道时，第一行可以是 `login 名字`；之后 `send 文字` 就说出这些文字。
标准输入结束后，命令等到全部得到确认：0 表示全部送达。

例子：
  hubbub chat
  hubbub chat hubbubs://hub.example --account ada --room lab
  echo 'backup done' | hubbub chat --name cron --room ops --plain",
    ),
    ("The hub; wins over --url", "中枢；优先于 --url"),
    ("The room to talk in", "在哪个房间聊天"),
    ("Print lines alone: for pipes, tests and screen readers", "只输出文字行：用于管道、测试和读屏软件"),
    ("Begin with the last so many events of a room", "从房间最后这么多个事件开始"),
    // say
    ("Say something in a room, and wait until it is kept", "在房间里说话，并等它保存好"),
    (
        "\
Examples:
  hubbub say lab the printer is free
  make 2>&1 | hubbub say builds - --name make
  hubbub say lab hello --json",
        "\
例子：
  hubbub say lab 打印机空了
  make 2>&1 | hubbub say builds - --name make
  hubbub say lab hello --json",
    ),
    ("The room", "房间"),
    ("What to say; - or nothing: each line of standard input", "要说的话；- 或不写：标准输入的每一行"),
    ("Say nothing about failures", "失败时不出声"),
    ("Print room, seq and id of each message", "输出每条消息的房间、序号和编号"),
    // tail
    ("Print what is said in a room", "输出房间里说的话"),
    (
        "\
With --json each line is an event as the protocol has it, or {\"type\":\"gap\",\"room\":…,\"from\":…,\"to\":…}.

Examples:
  hubbub tail lab
  hubbub tail lab --last 100 --no-follow
  hubbub tail lab --since 4711 --json | jq -r .message",
        "\
带 --json 时，每行是协议里的一个事件，或 {\"type\":\"gap\",\"room\":…,\"from\":…,\"to\":…}。

例子：
  hubbub tail lab
  hubbub tail lab --last 100 --no-follow
  hubbub tail lab --since 4711 --json | jq -r .message",
    ),
    ("Begin behind this place; 0 is the beginning", "从这个序号之后开始；0 是最开头"),
    ("Begin with the last so many events", "从最后这么多个事件开始"),
    (
        "Go on with what is said from now on; this is what happens anyway",
        "继续输出之后说的话；本来就是这样",
    ),
    ("End at the last event", "到最后一个事件就结束"),
    ("Say nothing about breaks", "断线时不出声"),
    ("Print events as JSON", "以 JSON 输出事件"),
    // user
    ("Make, show, change and remove accounts, whether or not the hub runs", "建立、显示、修改、删除账号，中枢是否在运行都可以"),
    (
        "\
Examples:
  hubbub user add ada --role owner
  pass show hub/ben | hubbub user add ben --password-stdin
  hubbub user add oven --role device && hubbub token add oven --scope write
  hubbub user set ben --disable",
        "\
例子：
  hubbub user add ada --role owner
  pass show hub/ben | hubbub user add ben --password-stdin
  hubbub user add oven --role device && hubbub token add oven --scope write
  hubbub user set ben --disable",
    ),
    ("Make an account; asks for its password at a terminal", "建立账号；在终端询问密码"),
    ("Its name", "它的名字"),
    (
        "What it may do: owner, admin, member, or device for a machine",
        "它能做什么：owner（所有者）、admin（管理员）、member（成员），机器用 device",
    ),
    ("Read the password from the first line of standard input", "从标准输入的第一行读密码"),
    ("No password: only tokens let it in, as with devices", "不设密码：像设备一样，只能用令牌进入"),
    ("Show all accounts", "显示全部账号"),
    ("Show one account", "显示一个账号"),
    ("Change an account; its sessions end", "修改账号；它的会话会结束"),
    ("What it may do: owner, admin, member", "它能做什么：owner（所有者）、admin（管理员）、member（成员）"),
    ("Switch the account off", "停用账号"),
    ("Switch it on again", "重新启用"),
    ("Read a new password from the first line of standard input", "从标准输入的第一行读新密码"),
    ("Ask for a new password at the terminal", "在终端询问新密码"),
    ("Remove an account; what it said stays", "删除账号；它说过的话保留"),
    // room
    ("Make, show, change and remove rooms, whether or not the hub runs", "建立、显示、修改、删除房间，中枢是否在运行都可以"),
    (
        "\
Examples:
  hubbub room add lab --private --topic 'Who left the oven on?'
  hubbub room set lab --keep-days 90
  hubbub room set lab --moderated=no --public",
        "\
例子：
  hubbub room add lab --private --topic '谁没关烤箱？'
  hubbub room set lab --keep-days 90
  hubbub room set lab --moderated=no --public",
    ),
    ("Make a room", "建立房间"),
    (
        "Keep nothing: what is said is gone when the hub ends or forgets it",
        "什么都不保存：中枢结束或忘记时，说过的话就没有了",
    ),
    ("Show all rooms", "显示全部房间"),
    ("Show one room", "显示一个房间"),
    ("Change a room", "修改房间"),
    ("Remove a room and all that was said in it", "删除房间和其中说过的一切"),
    ("Listed, and open to all", "列出，对所有人开放"),
    ("Listed, and open to the invited", "列出，只对受邀者开放"),
    ("Known to its members only", "只有成员知道"),
    ("What it is about", "它的话题"),
    ("Only voices and operators speak", "只有可发言者和房间管理员能说话"),
    ("Nobody speaks", "谁都不能说话"),
    ("Keep the last N events, or `all`", "保留最后 N 个事件，或 `all`（全部）"),
    ("Keep what is younger than N days, or `all`", "保留 N 天以内的，或 `all`（全部）"),
    // token
    ("Make, show and revoke tokens, whether or not the hub runs", "建立、显示、撤销令牌，中枢是否在运行都可以"),
    (
        "\
Examples:
  hubbub token add oven --label 'oven in room 3' --scope write > oven.token
  hubbub token list oven
  hubbub token remove 7",
        "\
例子：
  hubbub token add oven --label '三号房的烤箱' --scope write > oven.token
  hubbub token list oven
  hubbub token remove 7",
    ),
    ("Make a token for an account; its secret is printed this once", "为账号建立令牌；密文只显示这一次"),
    ("Whose token", "谁的令牌"),
    ("What it is for", "用途"),
    ("What it allows, with commas between", "允许什么，用逗号隔开"),
    ("When it ends, such as 12h, 30d or 8w; never unless given", "何时到期，例如 12h、30d 或 8w；不写就不到期"),
    ("Show the tokens of an account, or of all", "显示一个账号的令牌，或全部"),
    ("Whose tokens", "谁的令牌"),
    ("Revoke a token; its sessions end on every door", "撤销令牌；它在每扇门上的会话都会结束"),
    ("Its number, as `list` shows it", "它的编号，见 `list`"),
    // reload, doctor
    (
        "Have the running hub read its configuration and certificate again, as SIGHUP does",
        "让运行中的中枢重新读取配置和证书，与 SIGHUP 相同",
    ),
    ("Show the configuration in force, and check what a hub needs", "显示生效的配置，并检查中枢所需的一切"),
    ("Hub and answer", "中枢与回答"),
    ("The hub's data folder", "中枢的数据文件夹"),
    ("The hub's configuration file", "中枢的配置文件"),
    ("Answer in JSON", "以 JSON 回答"),
    // bench
    ("Measure a hub under load", "测量中枢在负载下的表现"),
    (
        "\
The room must be open to guests; what is said there is noise. On the hub's own machine both share the processors.

Examples:
  hubbub bench fanout --readers 100 --seconds 10
  hubbub bench latency --rate 2000 --server-pid $(pidof hubbub)
  hubbub bench idle --conns 10000 --server-pid $(pidof hubbub)",
        "\
房间必须对访客开放；在那里说的都是噪音。在中枢所在的机器上运行时，两者共用处理器。

例子：
  hubbub bench fanout --readers 100 --seconds 10
  hubbub bench latency --rate 2000 --server-pid $(pidof hubbub)
  hubbub bench idle --conns 10000 --server-pid $(pidof hubbub)",
    ),
    (
        "Writers send as fast as the hub acknowledges; every reader gets everything",
        "写者按中枢确认的速度发送；每个读者都收到全部",
    ),
    (
        "Writers send at a fixed rate; how long each message takes to each reader",
        "写者按固定速率发送；看每条消息到每个读者要多久",
    ),
    ("Conns that do nothing: what each costs the hub", "什么都不做的连接：每个要花中枢多少"),
    ("Come in, open a room, leave, over and over", "进入、打开房间、离开，反复进行"),
    ("The hub, without TLS", "中枢，不用 TLS"),
    ("How long to measure", "测量多久"),
    (
        "The hub's process on this machine, for its memory and its processor time",
        "中枢在本机的进程，用来看它的内存和处理器时间",
    ),
    ("Conns that read", "读的连接数"),
    ("Conns that write", "写的连接数"),
    ("Text of a message", "每条消息的文字长度"),
    (
        "Messages of one writer that are not acknowledged yet, rounded up to full batches of 16",
        "一个写者尚未确认的消息数，向上取整到 16 的倍数",
    ),
    ("Messages a second, of all writers together", "每秒消息数，所有写者合计"),
    ("Conns", "连接数"),
    ("Conns at once", "同时的连接数"),
    // completions, man
    ("Print the completions for a shell", "输出某种 shell 的补全脚本"),
    (
        "\
Examples:
  hubbub completions bash > ~/.local/share/bash-completion/completions/hubbub
  hubbub completions fish > ~/.config/fish/completions/hubbub.fish",
        "\
例子：
  hubbub completions bash > ~/.local/share/bash-completion/completions/hubbub
  hubbub completions fish > ~/.config/fish/completions/hubbub.fish",
    ),
    ("Write the manual, one page for each command", "写出手册，每个命令一页"),
    (
        "Example:\n  hubbub man ~/.local/share/man/man1 && man hubbub-serve",
        "例子：\n  hubbub man ~/.local/share/man/man1 && man hubbub-serve",
    ),
    ("Folder for the pages; made if it is not there", "放手册的文件夹；没有就建立"),
];
