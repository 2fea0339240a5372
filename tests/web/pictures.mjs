// The pictures of the documents: people of a lab in one room, each through a door of their own, from a real hub.
// `npm run pictures` writes them to `docs/`, or where SHOTS says.
import net from "node:net";
import path from "node:path";
import { asAccount, message, online, say, setUp, startBrowser, startHub, newPage } from "./kit.mjs";

const TO = process.env.SHOTS ?? path.resolve(import.meta.dirname, "../../docs");
const ROOMS = {
  lab: {
    topic: "Printers, kiln and soldering. Log what you start.",
    text: ["Morning! The second printer is back. **Slice before 11** and it is yours until lunch.", "the queue is empty, I take 10:30", "Kiln: 612 °C, 40 min left", "@ada profile for the new PETG, worked on the first try:\n```toml\nnozzle = 0.4\nbed_c = 75\nhead_c = 235\n```", "Lovely, that goes into the wiki. Who opens the kiln?"],
    answer: "I do, at 11:20. Gloves are in the left drawer.",
  },
  实验室: {
    topic: "打印机、电窑和焊接",
    text: ["早上好！二号打印机修好了，**十一点前**排队都来得及。", "队列空着，我用十点半的。", "电窑：612 °C，还剩 40 分钟", "@ada 新 PETG 的参数，一次就成：\n```toml\nnozzle = 0.4\nhead_c = 235\n```", "太好了，记到文档里。谁来开窑？"],
    answer: "我来，十一点二十。手套在左边抽屉。",
  },
};

const hub = await startHub();
const browser = await startBrowser();
try {
  await setUp(await newPage(browser), hub);
  for (const [name, role] of [["bob"], ["美玲"], ["kiln", "device"]]) hub.account(name, role);
  const token = hub.token("kiln");
  const people = {};
  for (const name of ["ada", "bob", "美玲"]) {
    people[name] = await newPage(browser, { colorScheme: "light" });
    await asAccount(people[name], hub, name);
  }
  const { ada, bob, 美玲: mei } = people;
  const asks = (page, value) => page.evaluate(async (value) => (await import("/assets/app/socket.js")).request(value), value);
  for (const [room, { topic, text, answer }] of Object.entries(ROOMS)) {
    await asks(ada, { type: "create", room, topic });
    for (const page of Object.values(people)) {
      await page.goto(`${hub.url}/rooms/${encodeURIComponent(room)}`);
      await online(page);
    }
    await say(ada, text[0], text[0].slice(0, 4));
    const lin = await atNc("lin", room, text[1]);
    await message(ada, text[1]).waitFor();
    await fetch(`${hub.url}/api/v1/rooms/${encodeURIComponent(room)}/messages`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify({ text: text[2] }) });
    await message(mei, text[2]).waitFor();
    await say(mei, text[3], "PETG");
    await say(ada, text[4], text[4]);
    for (const [page, key] of [[ada, "🎉"], [bob, "🎉"], [bob, "👍"]]) {
      await asks(page, { type: "react", room, target: await page.evaluate(async () => (await import("/assets/app/hub.js")).current.value.items.findLast((item) => JSON.stringify(item.base).includes("PETG")).id), sign: key, on: true });
    }
    await message(bob, text[4]).hover();
    await message(bob, text[4]).getByRole("button", { name: /^(Reply|回复)$/ }).click();
    await say(bob, answer);
    await message(ada, answer).waitFor();
    if (room === "lab") {
      await ada.mouse.move(0, 0);
      await shoot(ada, "web-room.png");
      lin.destroy();
    } else {
      const phone = await newPage(browser, { viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "zh-CN", hasTouch: true, isMobile: true });
      await asAccount(phone, hub, "bob", `/rooms/${encodeURIComponent(room)}`);
      await message(phone, answer).waitFor();
      await shoot(phone, "web-phone.png");
      lin.destroy();
    }
  }
} finally {
  await browser.close();
  await hub.stop();
}

/** Somebody at a plain socket, who comes, says one thing in the room, and stays. */
async function atNc(name, room, text) {
  const conn = net.connect(Number(new URL(hub.url).port), "127.0.0.1");
  conn.on("error", () => {});
  const isIn = new Promise((resolve) => conn.on("data", (piece) => String(piece).includes(`in ${room}`) && resolve()));
  conn.write(`${name}\n/join ${room}\n`);
  await isIn;
  conn.write(`${text}\n`);
  return conn;
}

async function shoot(page, file) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
  await page.screenshot({ path: path.join(TO, file) });
}
