"""`hubbub user`, `room`, `token`, `doctor`, `completions` and `man`, with a hub that runs and without one."""

import contextlib
import os
import shutil
import socket
import subprocess
import unittest

from cli import CHINESE, Place
from hub import Hub, need_program


class Manage(unittest.TestCase):
    """The same story twice: on the folder itself, and through the running hub."""

    def test_accounts(self):
        for place in self.places():
            added = place.does("user", "add", "ada", "--role", "owner", "--password-stdin", text="long and secret\n")
            self.assertEqual(added.out, "ada is here now, as owner\n")
            place.does("user", "add", "张三", "--no-password", "--json")
            oven = place.does("user", "add", "oven", "--role", "device", "--json").json()
            self.assertEqual((oven["name"], oven["kind"]), ("oven", "device"))
            listed = place.does("user", "list", "--json").json()
            self.assertEqual({user["name"]: user["role"] for user in listed}, {"ada": "owner", "张三": "member", "oven": "device"})
            self.assertNotIn("secret", str(listed))
            place.does("user", "set", "张三", "--role", "admin", "--disable")
            shown = place.does("user", "show", "张三", "--json").json()
            self.assertEqual((shown["role"], shown["status"]), ("admin", "disabled"))
            place.does("user", "set", "ada", "--password-stdin", text="another secret\n")
            place.does("user", "remove", "张三")
            names = [user["name"] for user in place.does("user", "list", "--json").json()]
            self.assertEqual(names, ["ada", "oven"])
            for args, code, english, chinese in (
                (("user", "show", "eve"), 1, "there is no account named eve", "没有叫 eve 的账号"),
                (("user", "add", "ADA", "--no-password"), 1, "an account named ADA exists", "账号 ADA 已存在"),
                (("user", "remove", "ada"), 1, "this is the last owner: make another one first", "这是最后一个所有者：请先再设一个"),
                (("user", "add", "ben", "--password-stdin"), 1, "the password is empty", "密码是空的"),
            ):
                self.refuses(place, args, code, english, chinese)
            self.assertEqual(place.run("user", "set", "ada").code, 2)
            self.assertEqual(place.does("user", "add", "李四", "--no-password", lang=CHINESE).out, "已建立 李四，角色 member\n")
            self.assertRegex(place.does("user", "list", lang=CHINESE).out, r"^名字 +角色 +状态 +建立于 +最后在线\n")

    def test_a_password_from_a_pipe_lets_in(self):
        with Hub() as hub:
            place = Place(self, hub.data)
            place.does("user", "add", "ada", "--password-stdin", text="long and secret\nnot this\n")
            to = ("--url", f"hubbub://127.0.0.1:{hub.address('any')[1]}", "--account", "ada")
            place.does("say", "lobby", "hi", *to, HUBBUB_PASSWORD="long and secret")
            wrong = place.run("say", "lobby", "hi", *to, HUBBUB_PASSWORD="not this", lang=CHINESE)
            self.assertEqual((wrong.code, wrong.err), (1, "hubbub: 名字或密码不对\n"))

    def test_rooms(self):
        for place in self.places():
            place.does("room", "add", "lab", "--private", "--topic", "烤箱", "--keep-events", "100")
            shown = place.does("room", "show", "lab", "--json").json()
            self.assertEqual((shown["visibility"], shown["topic"], shown["retention"]), ("private", "烤箱", {"events": 100}))
            place.does("room", "set", "lab", "--moderated", "--public", "--keep-days", "2")
            shown = place.does("room", "show", "lab", "--json").json()
            self.assertEqual((shown["visibility"], shown["moderated"]), ("public", True))
            self.assertEqual(shown["retention"], {"events": 100, "age_s": 172_800})
            self.assertEqual([room["name"] for room in place.does("room", "list", "--json").json()], ["lab", "lobby"])
            self.assertEqual(place.does("room", "remove", "lab", "--json").json(), {"done": True})
            gone, zh = "there is no such room: see the list of rooms", "没有这个房间：请看房间列表"
            self.refuses(place, ("room", "show", "lab"), 1, gone, zh)
            kept, zh = "the lobby and directs cannot be deleted", "大厅和私聊不能删除"
            self.refuses(place, ("room", "remove", "lobby"), 1, kept, zh)
            self.assertEqual(place.run("room", "set", "lobby", "--keep-events", "none").code, 2)

    def test_tokens(self):
        for place in self.places():
            place.does("user", "add", "oven", "--role", "device")
            made = place.does("token", "add", "oven", "--label", "room 3", "--scope", "read,write", "--expires", "30d")
            self.assertEqual((len(made.out.split()), made.err.splitlines()[0]), (1, "token 1 of oven; its secret is shown this once:"))
            new = place.does("token", "add", "oven", "--json").json()
            self.assertTrue(new["secret"].startswith("hub_"))
            listed = place.does("token", "list", "oven", "--json").json()
            self.assertEqual([token["id"] for token in listed], [1, 2])
            self.assertEqual((listed[0]["label"], listed[0]["scopes"]), ("room 3", ["read", "write"]))
            self.assertNotIn(new["secret"], str(listed))
            self.assertEqual(place.does("token", "remove", 1, lang=CHINESE).out, "令牌已撤销\n")
            self.assertEqual([token["id"] for token in place.does("token", "list", "--json").json()], [2])
            self.refuses(place, ("token", "remove", "9"), 1, "there is no such token", "没有这个令牌")
            self.refuses(place, ("token", "add", "eve"), 1, "there is no account of that name", "没有这个名字的账号")

    def test_without_a_folder_nothing_is_made_by_looking(self):
        place = Place(self)
        wanted = f"there is no data folder {place.data}: give the hub's with --data"
        chinese = f"没有数据文件夹 {place.data}：请用 --data 给出中枢的"
        self.refuses(place, ("user", "list"), 1, wanted, chinese)
        self.assertFalse(place.data.exists())
        self.refuses(place, ("reload",), 1, f"no hub runs on {place.data}: give its folder with --data", f"{place.data} 上没有中枢在运行：请用 --data 给出它的文件夹")

    def places(self):
        yield Place(self)
        with Hub() as hub:
            yield Place(self, hub.data)

    def refuses(self, place, args, code, english, chinese):
        for lang, wanted in (("C.UTF-8", english), (CHINESE, chinese)):
            done = place.run(*args, lang=lang)
            self.assertEqual((done.code, done.out, done.err), (code, "", f"hubbub: {wanted}\n"), str(done))


class Doctor(unittest.TestCase):
    """Each broken thing is found, and told with what to do."""

    def test_a_healthy_hub(self):
        with Hub() as hub:
            place = Place(self, hub.data)
            listen = ("--listen", "any://127.0.0.1:0")
            report = place.does("doctor", "--json", *listen).json()
            self.assertEqual({check["verdict"] for check in report["checks"]} - {"ok", "warn"}, set())
            hub_check = self.check(report, "hub")
            self.assertIn(f"process {hub.pid()}", hub_check["text"])
            text = place.does("doctor", *listen).out
            self.assertIn("\nok    store: the running hub has it open\n", text)
            chinese = place.does("doctor", *listen, lang=CHINESE).out
            self.assertIn("存储：运行中的中枢正打开着它\n", chinese)
            self.assertEqual(place.does("doctor", "--json", *listen, lang=CHINESE).json()["checks"][0]["subject"], "configuration")

    def test_a_wrong_configuration(self):
        place = Place(self)
        config = place.home / "hubbub.toml"
        config.write_text("[log]\nlevle = 1\n")
        self.fails(
            place,
            ("--config", config),
            "configuration",
            f'{config}:2: there is no key "log.levle"; did you mean "log.level"?',
            f'{config}:2：没有键 "log.levle"；是不是 "log.level"？',
        )

    def test_a_taken_port(self):
        place = Place(self)
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
            listen = f"any://127.0.0.1:{other.getsockname()[1]}"
            self.fails(
                place,
                ("--listen", listen),
                "listener",
                f"{listen}: Address already in use",
                "别的程序占着它：请停掉那个程序，或用 --listen 另选地址",
            )

    def test_a_damaged_database(self):
        place = Place(self)
        place.does("user", "add", "ada", "--no-password")
        store = place.data / "hubbub.db"
        store.write_bytes(b"this is no database, and never was one " * 200)
        for beside in place.data.glob("hubbub.db-*"):
            beside.unlink()
        self.fails(place, (), "store", "hubbub.db", "请停掉所有写它的程序，把整个文件夹留一份副本，再换上最近的备份")

    def test_an_unreadable_certificate(self):
        place = Place(self)
        (place.home / "cert.pem").write_text("nothing")
        (place.home / "key.pem").write_text("nothing")
        config = place.home / "hubbub.toml"
        config.write_text('[tls]\ncert = "cert.pem"\nkey = "key.pem"\n')
        self.fails(
            place,
            ("--config", config),
            "certificate",
            f"{place.home}/cert.pem holds no certificate",
            f"{place.home}/cert.pem 里没有证书",
        )

    def test_a_folder_that_is_open_to_others_is_a_warning(self):
        place = Place(self)
        place.does("user", "add", "ada", "--no-password")
        os.chmod(place.data, 0o755)
        report = place.does("doctor", "--json", "--listen", "any://127.0.0.1:0").json()
        folder = self.check(report, "data folder")
        self.assertEqual((folder["verdict"], folder["advice"]), ("warn", f"chmod 700 {place.data}"))

    def fails(self, place, args, subject, english, chinese):
        if "--listen" not in args:
            args = (*args, "--listen", "any://127.0.0.1:0")
        done = place.run("doctor", "--json", *args)
        self.assertEqual(done.code, 1, str(done))
        found = [check for check in done.json()["checks"] if check["verdict"] == "fail"]
        self.assertEqual([check["subject"] for check in found], [subject], str(done))
        self.assertIn(english, found[0]["text"])
        for check in done.json()["checks"]:
            if check["verdict"] != "ok":
                self.assertTrue(check["advice"], "every finding says what to do")
            self.assertNotIn("hubbub doctor", check["text"] + check.get("advice", ""), "this is the doctor")
        told = place.run("doctor", *args, lang=CHINESE)
        self.assertEqual(told.code, 1)
        line = next(line for line in told.out.splitlines() if line.startswith("失败"))
        self.assertIn(chinese, line)

    def check(self, report, subject):
        return next(check for check in report["checks"] if check["subject"] == subject)


class Shell(unittest.TestCase):
    def test_completions_are_accepted_by_the_shells(self):
        place = Place(self)
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            for lang in ("C.UTF-8", CHINESE):
                script = place.home / f"hubbub.{shell}"
                script.write_text(place.does("completions", shell, lang=lang).out)
                self.assertIn("doctor", script.read_text())
                if shutil.which(shell):
                    checked = subprocess.run([*check, str(script)], capture_output=True, text=True, check=False)
                    self.assertEqual((checked.returncode, checked.stderr), (0, ""), shell)

    def test_bash_completes_commands(self):
        need_program(self, "bash")
        place = Place(self)
        script = place.home / "hubbub.bash"
        script.write_text(place.does("completions", "bash").out)
        ask = f"source {script}; COMP_WORDS=(hubbub do); COMP_CWORD=1; _hubbub hubbub do hubbub; echo ${{COMPREPLY[@]}}"
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "doctor")

    def test_the_manual_renders(self):
        place = Place(self)
        programs = {"mandoc": ["mandoc", "-T", "utf8"], "groff": ["groff", "-K", "utf8", "-man", "-T", "utf8", "-W", "break"]}
        program = next((program for program in programs if shutil.which(program)), None)
        if program is None:
            need_program(self, "groff")
        for lang, wanted in (("C.UTF-8", "Say something in a room"), (CHINESE, "在房间里说话")):
            pages = place.home / f"man-{lang}"
            place.does("man", pages, lang=lang)
            self.assertGreater(len(list(pages.glob("*.1"))), 20)
            for page in pages.glob("*.1"):
                shown = subprocess.run([*programs[program], str(page)], capture_output=True, check=False)
                self.assertEqual((shown.returncode, shown.stderr), (0, b""), page)
            page = subprocess.run([*programs[program], str(pages / "hubbub-say.1")], capture_output=True, check=True)
            self.assertIn(wanted.replace(" ", ""), "".join(page.stdout.decode().split()))


if __name__ == "__main__":
    unittest.main()
