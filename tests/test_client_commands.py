"""`hubbub chat`, `say` and `tail` as scripts use them: arguments, pipes, exit codes, breaks, certificates, languages."""

import json
import unittest

from cli import CHINESE, Place, url
from hub import Hub
from source_clients import TextClient
from transcript import meet


def messages(lines):
    return [event["message"] for event in map(json.loads, lines) if event.get("type") == "message"]


class Say(unittest.TestCase):
    def test_words_lines_and_standard_input_are_said_in_order(self):
        place = Place(self)
        with Hub() as hub:
            to = ("--url", url(hub), "--name", "cron")
            said = place.does("say", "lobby", "the printer", "is free", *to, "--json").json()
            self.assertEqual((said["room"], said["seq"]), ("lobby", 1))
            place.does("say", "lobby", "-", *to, text="one\n\ntwo\r\n三\nlast without an end")
            place.does("say", "lobby", *to, text="from a pipe\n")
            quiet = place.does("say", "lobby", "psst", *to)
            self.assertEqual((quiet.out, quiet.err), ("", ""))
            tail = place.does("tail", "lobby", "--since", 0, "--no-follow", "--json", *to)
            wanted = ["the printer is free", "one", "two", "三", "last without an end", "from a pipe", "psst"]
            self.assertEqual(messages(tail.out.splitlines()), wanted)

    def test_what_is_refused_is_told_with_code_1_in_the_readers_language(self):
        place, owner = Place(self), None
        with Hub() as hub:
            owner = Place(self, hub.data)
            owner.does("room", "add", "board", "--read-only")
            to = ("--url", url(hub), "--name", "cron")
            refused = place.run("say", "board", "hello", *to)
            self.assertEqual((refused.code, refused.out), (1, ""), refused)
            self.assertEqual(refused.err, "hubbub: not sent: board is read-only\n")
            refused = place.run("say", "board", "hello", *to, lang=CHINESE)
            self.assertEqual((refused.code, refused.err), (1, "hubbub: 没有发出去：board 是只读的\n"), refused)
            missing = place.run("say", "nowhere", "hello", *to)
            self.assertEqual(missing.code, 1)
            self.assertEqual(missing.err, "hubbub: there is no such room: see the list of rooms\n")
            missing = place.run("say", "nowhere", "hello", *to, lang=CHINESE)
            self.assertEqual(missing.err, "hubbub: 没有这个房间：请看房间列表\n")
            self.assertEqual(place.run("say", "nowhere", "hello", *to, "--quiet").err, "")
            some = place.run("say", "lobby", "-", *to, "--json", text="fits\n" + "x" * 40_000 + "\nfits too\n")
            self.assertEqual((some.code, [line["seq"] for line in some.json_lines()]), (1, [1, 2]), some)

    def test_usage_is_code_2_in_both_languages(self):
        place = Place(self)
        wrong = place.run("say")
        self.assertEqual(wrong.code, 2)
        self.assertIn("hubbub: the following required arguments were not provided", wrong.err)
        wrong = place.run("say", lang=CHINESE)
        self.assertEqual(wrong.code, 2)
        self.assertIn("hubbub: 缺少：<ROOM>\n", wrong.err)
        self.assertIn("用法： hubbub say", wrong.err)
        wrong = place.run("say", "a@b", "x", lang=CHINESE)
        self.assertEqual((wrong.code, wrong.err.splitlines()[0]), (2, "hubbub: “<ROOM>”不能是“a@b”：名字里不能有 '@'"))
        self.assertEqual(place.run("say", "lobby", "x", "--url", "http://lab").code, 2)
        self.assertIn("在房间里说话", place.does("say", "--help", lang=CHINESE).out)
        self.assertIn("Say something in a room", place.does("say", "--help").out)

    def test_nobody_there_is_told_with_what_to_do(self):
        place = Place(self)
        nobody = ("say", "lobby", "x", "--url", "hubbub://127.0.0.1:1")
        told = place.run(*nobody)
        self.assertEqual(told.code, 1)
        self.assertIn("cannot reach hubbub://127.0.0.1:1: Connection refused", told.err)
        told = place.run(*nobody, lang=CHINESE)
        self.assertEqual((told.code, told.err), (1, "hubbub: 连不上 hubbub://127.0.0.1:1：连接被拒绝（系统错误 111）\n"))
        for command in ("tail", "chat"):
            args = ["--url", "hubbub://127.0.0.1:1"] + (["lobby"] if command == "tail" else ["--name", "ada"])
            self.assertIn("连不上", place.run(command, *args, lang=CHINESE).err)
        self.assertIn("连不上", place.run("bench", "idle", "--url", "hubbub://127.0.0.1:1", lang=CHINESE).err)


class Tail(unittest.TestCase):
    def test_since_begins_behind_a_place_and_last_at_the_end(self):
        place = Place(self)
        with Hub() as hub:
            to = ("--url", url(hub), "--name", "cron")
            place.does("say", "lobby", "-", *to, text="1\n2\n3\n4\n")
            tail = place.does("tail", "lobby", "--since", 2, "--no-follow", "--json", *to)
            self.assertEqual([event["seq"] for event in tail.json_lines()], [3, 4])
            tail = place.does("tail", "lobby", "--last", 1, "--no-follow", *to)
            self.assertRegex(tail.out, r"^\d\d:\d\d cron: 4\n$")
            self.assertEqual(place.run("tail", "lobby", "--since", 1, "--last", 1, *to).code, 2)
            missing = place.run("tail", "nowhere", "--no-follow", *to, lang=CHINESE)
            self.assertEqual((missing.code, missing.err), (1, "hubbub: 没有这个房间：请看房间列表\n"))

    def test_it_goes_on_over_a_restart_without_a_gap_or_a_duplicate(self):
        place = Place(self)
        socket = "any+unix://{dir}/hub.sock"
        with Hub(socket) as hub:
            to = ("--url", f"unix://{hub.address('any+unix')}", "--name")
            tail = place.starts(self, "tail", "lobby", "--since", 0, "--json", *to, "reader", lang=CHINESE)
            said = []
            for run in range(3):
                lines = [f"{run}-{n}" for n in range(20)]
                place.does("say", "lobby", "-", *to, "writer", text="\n".join(lines))
                said += lines
                last = lines[-1]
                tail.expect(lambda line, last=last: f'"message":"{last}"' in line, what=last)
                if run < 2:
                    hub.restart()
            self.assertEqual(tail.terminate(), 0)
            events = [json.loads(line) for line in tail.heard() if line.startswith("{")]
            self.assertEqual([event["seq"] for event in events], list(range(1, 61)))
            self.assertEqual(messages(line for line in tail.heard() if line.startswith("{")), said)
            told = [line for line in tail.heard() if not line.startswith("{")]
            self.assertIn("hubbub: 已恢复，没有遗漏", told)


class Chat(unittest.TestCase):
    def test_a_pipe_logs_in_and_sends_as_the_source_documents_do(self):
        place = Place(self)
        with Hub() as hub:
            ben = hub.owns(TextClient(hub.address("any"), "ben"))
            chat = place.starts(self, "chat", url(hub), "--plain")
            chat.types("login zhangsan")
            chat.expect(lambda line: line.startswith("-- you are zhangsan in lobby"))
            meet(ben)
            chat.types("send 你好")
            ben.expect_message("zhangsan", "你好")
            ben.say("hi")
            chat.expect(lambda line: line.endswith(" ben: hi"))
            chat.ends_input()
            self.assertEqual(chat.wait(), 0, chat.transcript)

    def test_it_speaks_the_readers_language_and_the_hub_answers_in_it(self):
        place = Place(self)
        with Hub() as hub:
            text = "/whois nobody\n/fly\nsaid\n"
            english = place.does("chat", url(hub), "--name", "ada", "--plain", text=text).out
            self.assertIn("-- not done: there is nobody named nobody\n", english)
            self.assertIn("-- there is no /fly here", english)
            chinese = place.does("chat", url(hub), "--name", "ada", "--plain", text=text, lang=CHINESE).out
            self.assertRegex(chinese, r"-- 你是 ada\S* ?，在 lobby，")
            self.assertIn("-- 没有完成：没有叫 nobody 的人\n", chinese)
            self.assertIn("-- 这里没有 /fly", chinese)

    def test_a_certificate_is_trusted_on_first_use_and_a_changed_one_stops(self):
        place = Place(self)
        with Hub() as hub, Hub() as other:
            first = place.does("say", "lobby", "hi", "--url", url(hub, tls=True), "--name", "ada")
            self.assertIn("this hub is new here; its key is known from now on: sha256:", first.err)
            self.assertIn(hub.key_digest(), first.err)
            again = place.does("say", "lobby", "hi", "--url", url(hub, tls=True), "--name", "ada")
            self.assertEqual(again.err, "", "it is known now")

            # The other hub's certificate under the first one's name: somebody in between, as far as a client can see.
            known = place.home / ".local/share/hubbub/known_hubs"
            host, port = hub.address("any")
            known.write_text(f"# mine\n{host}:{port} sha256:{other.key_digest()}\n")
            changed = place.run("say", "lobby", "secret", "--url", url(hub, tls=True), "--name", "ada")
            self.assertEqual(changed.code, 1)
            self.assertIn(f"the key of {host}:{port} has changed, so nothing was sent", changed.err)
            self.assertIn(f"remove line 2 of {known} and connect again", changed.err)
            self.assertIn(hub.key_digest(), changed.err)
            chinese = place.run("chat", url(hub, tls=True), "--name", "ada", "--plain", text="x\n", lang=CHINESE)
            self.assertEqual(chinese.code, 1)
            self.assertIn(f"{host}:{port} 的密钥变了，所以什么都没有发", chinese.err)
            self.assertIn(f"删去 {known} 的第 2 行", chinese.err)

            ask = ("tail", "lobby", "--since", 0, "--no-follow", "--json", "--name", "ben")
            heard = place.does(*ask, "--url", url(hub)).out.splitlines()
            self.assertEqual(messages(heard), ["hi", "hi"], "nothing was sent")


class Netcat(unittest.TestCase):
    """Somebody at `nc`: the hub's own lines are in the listener's language until they choose another."""

    def test_the_language_of_a_listener_and_of_a_person(self):
        with Hub("any://127.0.0.1:0?lang=zh", "any+unix://{dir}/hub.sock") as hub:
            ada = hub.owns(TextClient(hub.address("any"), "ada"))
            ada.say("/whois nobody")
            ada.expect(lambda line: line == "* 没有叫 nobody 的人")
            ada.say("/lang en")
            ada.expect(lambda line: line == "* the hub speaks English to you now")
            ada.say("/whois nobody")
            ada.expect(lambda line: line == "* there is nobody named nobody")
            ben = hub.owns(TextClient(hub.address("any+unix"), "ben"))
            ben.say("/join nowhere")
            ben.expect(lambda line: line == "* there is no such room: see the list of rooms")
            ben.say("/lang zh")
            ben.say("/join nowhere")
            ben.expect(lambda line: line == "* 没有这个房间：请看房间列表")

    def test_gbk_listeners_and_the_configured_language(self):
        with Hub("any://127.0.0.1:0?encoding=gbk", env={"HUBBUB_LANGUAGE": "zh"}) as hub:
            zhang = hub.owns(TextClient(hub.address("any"), "zhang", encoding="gbk"))
            zhang.say("/whois nobody")
            zhang.expect(lambda line: line == "* 没有叫 nobody 的人")
            zhang.say("x" * 70_000)
            zhang.expect(lambda line: line == "* 一行超过 65536 字节")


if __name__ == "__main__":
    unittest.main()
