// People in a hub, through the browser: the real binary, real sockets, real keys.
import { before, after } from "node:test";
import assert from "node:assert/strict";
import { asAccount, asGuest, message, online, PASSWORD, say, startBrowser, startHub, storyteller, texts, until } from "./kit.mjs";

let hub;
let browser;
before(async () => {
  hub = await startHub();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const story = storyteller(() => ({ hub, browser }));

story("setup by the one-time link makes the owner and opens the lobby", async (page) => {
  const ada = await page();
  await ada.goto(`${hub.url}/setup#${hub.setup}`);
  await ada.getByLabel("Name of the hub").fill("Our lab");
  await ada.getByLabel("Your name").fill("ada");
  await ada.getByLabel("Password", { exact: true }).fill(PASSWORD);
  assert.equal(new URL(ada.url()).hash, "", "the token does not stay in the address");
  await ada.getByRole("button", { name: "Open the hub" }).click();
  await ada.locator("#composer").waitFor();
  await ada.getByText("Owner", { exact: true }).waitFor();
  const late = await page();
  await late.goto(`${hub.url}/setup#${hub.setup}`);
  await late.getByText("This hub is already set up").waitFor();
  hub.account("bob");
  hub.account("mei");
});

story("two people and a guest: messages, edits, replies, reactions, removal", async (page) => {
  const [ada, bob, tom] = [await page(), await page(), await page()];
  await asAccount(ada, hub, "ada");
  await asAccount(bob, hub, "bob");
  await asGuest(tom, hub, "tom");
  await say(ada, "hello **world**", "hello world");
  await message(bob, "hello world").waitFor();
  await message(tom, "hello world").locator("strong").getByText("world").waitFor();
  await say(tom, "from a guest");
  await message(ada, "from a guest").getByText("guest", { exact: true }).first().waitFor();

  // Up in an empty field edits the last message.
  await say(bob, "helo ada");
  await bob.locator("#composer").press("ArrowUp");
  await until(bob, () => document.querySelector("#composer").value === "helo ada");
  await bob.locator("#composer").fill("hello ada");
  await bob.locator("#composer").press("Enter");
  await message(ada, "hello ada").getByRole("button", { name: "edited" }).click();
  await ada.getByRole("dialog").getByText("helo ada").waitFor();
  await ada.keyboard.press("Escape");

  await message(ada, "hello ada").hover();
  await message(ada, "hello ada").getByRole("button", { name: "Reply" }).click();
  await say(ada, "an answer");
  await message(tom, "an answer").locator(".quote").getByText("hello ada").waitFor();

  await message(tom, "an answer").hover();
  await message(tom, "an answer").getByRole("button", { name: "React" }).first().click();
  await tom.getByRole("dialog").getByRole("button", { name: "👍" }).first().click();
  await message(bob, "an answer").getByRole("button", { name: "👍, 1" }).click();
  await message(ada, "an answer").getByRole("button", { name: "👍, 2" }).waitFor();
  await message(bob, "an answer").getByRole("button", { name: "👍, 2, you too" }).click();
  await message(ada, "an answer").getByRole("button", { name: "👍, 1" }).waitFor();

  await say(bob, "a slip");
  await message(bob, "a slip").focus();
  await bob.keyboard.press("Delete");
  await bob.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await ada.getByText("Message removed by bob").waitFor();
  assert.equal(await message(ada, "a slip").count(), 0);
});

story("a new room, its counts, a mention, the unread line", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await asAccount(bob, hub, "bob");
  await ada.getByRole("button", { name: "New room" }).click();
  await ada.getByRole("dialog").getByLabel("Name").fill("print-queue");
  await ada.getByRole("dialog").getByRole("button", { name: "Make the room" }).click();
  await ada.getByRole("heading", { name: "print-queue", level: 1 }).waitFor();
  await bob.goto(`${hub.url}/rooms/print-queue`);
  await online(bob);
  await say(bob, "first");
  await message(ada, "first").waitFor();
  await bob.getByRole("navigation").getByRole("link", { name: /^lobby/ }).click();
  await bob.getByRole("heading", { name: "lobby", level: 1 }).waitFor();
  await say(ada, "second");
  await say(ada, "@bob third");
  await bob.getByRole("link", { name: "print-queue, 1 mention, 2 unread" }).waitFor();
  await until(bob, () => document.title.startsWith("(1)"));
  await bob.getByRole("link", { name: /^print-queue/ }).click();
  await bob.getByText(/^New since/).waitFor();
  await until(bob, () => document.querySelector(".sep.new").nextElementSibling.textContent.includes("second"));
  await bob.getByRole("link", { name: "print-queue", exact: true }).waitFor();
});

story("who comes and goes is seen beside the room", async (page) => {
  const [ada, tom] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  const people = ada.locator(".panel .person");
  await people.filter({ hasText: "ada" }).waitFor();
  // At once, while the first list may still be on its way, and again when it has come.
  for (const name of ["ines", "jo", "lu"]) {
    await asGuest(tom, hub, name);
    await people.filter({ hasText: name }).waitFor();
    await tom.context().clearCookies();
    await tom.goto("about:blank");
    await people.filter({ hasText: name }).waitFor({ state: "detached" });
  }
});

story("a direct opens by itself for the other one", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await asAccount(bob, hub, "bob");
  await ada.goto(`${hub.url}/directs/bob`);
  await online(ada);
  await say(ada, "between us");
  await bob.getByRole("navigation").getByRole("link", { name: /^ada/ }).click();
  await message(bob, "between us").waitFor();
  await bob.getByRole("heading", { name: "ada", level: 1 }).waitFor();
});

story("a break: what was written goes out in order, what was said comes, nothing twice", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(bob, hub, "bob");
  await asAccount(ada, hub, "ada");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await bob.goto(`${hub.url}/rooms/lobby`);
  await online(ada);
  await online(bob);
  await say(bob, "before the break");
  await message(ada, "before the break").waitFor();
  hub.cut();
  for (const text of ["while away 1", "while away 2", "while away 3"]) {
    await ada.locator("#composer").fill(text);
    await ada.locator("#composer").press("Enter");
  }
  await message(ada, "while away 3").getByText("waiting").waitFor();
  await ada.getByText("Offline.").waitFor();
  hub.heal();
  await ada.getByRole("button", { name: "Try now" }).click();
  await message(bob, "while away 3").waitFor();
  await say(bob, "after the break");
  await message(ada, "after the break").waitFor();
  await until(ada, () => !document.querySelector(".pend") && !document.querySelector(".banner"));
  for (const one of [ada, bob]) {
    const all = await texts(one);
    assert.deepEqual(all.slice(all.indexOf("before the break")), ["before the break", "while away 1", "while away 2", "while away 3", "after the break"]);
  }
});

story("drafts stay with their room, over reloads too", async (page) => {
  const ada = await page();
  await asAccount(ada, hub, "ada");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await ada.locator("#composer").fill("half a thought");
  await ada.getByRole("link", { name: /^print-queue/ }).click();
  await ada.getByRole("heading", { name: "print-queue", level: 1 }).waitFor();
  assert.equal(await ada.locator("#composer").inputValue(), "");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await until(ada, () => document.querySelector("#composer")?.value === "half a thought");
});

story("an input method: Enter that ends a composition sends nothing", async (page) => {
  const mei = await page({ locale: "zh-CN" });
  await asAccount(mei, hub, "mei");
  await mei.locator("#composer").focus();
  const count = (await texts(mei)).length;
  const keys = await mei.context().newCDPSession(mei);
  await keys.send("Input.imeSetComposition", { selectionStart: 5, selectionEnd: 5, text: "nihao" });
  await until(mei, () => document.querySelector("#composer").value === "nihao");
  // What a browser sends while an input method takes the key.
  await keys.send("Input.dispatchKeyEvent", { type: "keyDown", windowsVirtualKeyCode: 229, key: "Process", code: "Enter" });
  await keys.send("Input.dispatchKeyEvent", { type: "keyUp", windowsVirtualKeyCode: 13, key: "Enter", code: "Enter" });
  await keys.send("Input.insertText", { text: "你好" });
  await until(mei, () => document.querySelector("#composer").value === "你好");
  assert.equal((await texts(mei)).length, count);
  await mei.keyboard.press("Enter");
  await message(mei, "你好").waitFor();
});

story("two Chinese characters are found, and lead to their place", async (page) => {
  const mei = await page();
  await asAccount(mei, hub, "mei");
  await say(mei, "今天下午三点在实验室焊接电路板");
  await mei.keyboard.press("Control+Shift+F");
  await mei.getByLabel("Search messages").fill("焊接");
  await mei.locator("mark").getByText("焊接").first().waitFor();
  await mei.getByText("1 result").waitFor();
  await mei.keyboard.press("ArrowDown");
  await mei.keyboard.press("Enter");
  await message(mei, "焊接电路板").waitFor();
  assert.match(new URL(mei.url()).pathname, /^\/rooms\/lobby\/\d+$/);
  await mei.goBack();
  await until(mei, () => document.querySelector("input[type=search]")?.value === "焊接");
  await mei.getByLabel("Search messages").fill("没有的词");
  await mei.getByText("Nothing found for “没有的词”").waitFor();
});

story("everything by the keyboard alone", async (page) => {
  const ada = await page();
  await ada.goto(`${hub.url}/signin`);
  await ada.locator("#guest").waitFor();
  for (let tab = 0; tab < 12 && (await ada.evaluate(() => document.activeElement.id)) !== "name"; tab += 1) await ada.keyboard.press("Tab");
  await ada.keyboard.type("ada");
  for (let tab = 0; tab < 4 && (await ada.evaluate(() => document.activeElement.id)) !== "password"; tab += 1) await ada.keyboard.press("Tab");
  await ada.keyboard.type(PASSWORD);
  await ada.keyboard.press("Enter");
  await online(ada);
  await until(ada, () => document.activeElement.id === "composer");
  await ada.keyboard.press("Control+K");
  await ada.keyboard.type("lob");
  await ada.keyboard.press("Enter");
  await ada.getByRole("heading", { name: "lobby", level: 1 }).waitFor();
  await until(ada, () => document.activeElement.id === "composer");
  await ada.keyboard.type("typed by hand");
  await ada.keyboard.press("Enter");
  await message(ada, "typed by hand").waitFor();
  await ada.keyboard.press("Shift+F6");
  await until(ada, () => document.activeElement.matches(".log [data-key]"));
  await ada.keyboard.press("End");
  await ada.keyboard.press("r");
  await until(ada, () => document.activeElement.id === "composer" && document.querySelector(".replying"));
  await ada.keyboard.press("Escape");
  await until(ada, () => !document.querySelector(".replying"));
  await ada.keyboard.press("Escape");
  await ada.keyboard.press("?");
  await ada.getByRole("dialog", { name: "Keys" }).waitFor();
  await ada.keyboard.press("Escape");
  await ada.keyboard.press("Alt+ArrowDown");
  await ada.getByRole("heading", { name: "print-queue", level: 1 }).waitFor();
  await ada.keyboard.press("Alt+ArrowUp");
  await ada.getByRole("heading", { name: "lobby", level: 1 }).waitFor();
  await until(ada, () => document.activeElement.id === "composer");
  await ada.keyboard.type("@bo");
  await ada.getByRole("option", { name: /^bob/ }).waitFor();
  await ada.keyboard.press("Tab");
  await until(ada, () => document.querySelector("#composer").value === "@bob ");
  await ada.keyboard.press("Control+A");
  await ada.keyboard.press("Delete");
});

story("a phone: list, room, people, Back", async (page) => {
  const tom = await page({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await tom.goto(`${hub.url}/`);
  await tom.getByLabel("Your name").fill("phone-tom");
  await tom.getByRole("button", { name: "Come in as a guest" }).tap();
  await tom.getByRole("link", { name: /^lobby/ }).tap();
  await online(tom);
  await tom.locator("#composer").fill("from a phone");
  await tom.getByRole("button", { name: "Send", exact: true }).tap();
  await message(tom, "from a phone").waitFor();
  await tom.getByRole("button", { name: "Details" }).tap();
  await tom.getByText("phone-tom").first().waitFor();
  await tom.goBack();
  await tom.locator("#composer").waitFor();
  await tom.goBack();
  await tom.getByRole("link", { name: "Mentions" }).waitFor();
  for (const width of [320, 390, 720, 1100, 1280]) {
    await tom.setViewportSize({ width, height: 800 });
    await until(tom, () => document.documentElement.scrollWidth <= innerWidth);
  }
});

story("both languages and both themes, kept over a reload", async (page) => {
  const ada = await page();
  await asAccount(ada, hub, "ada");
  await ada.getByRole("button", { name: "Settings", exact: true }).click();
  await ada.getByRole("button", { name: "Dark" }).click();
  await until(ada, () => getComputedStyle(document.documentElement).colorScheme === "dark");
  await ada.getByRole("button", { name: "中文" }).click();
  await ada.getByRole("heading", { name: "设置" }).waitFor();
  await until(ada, () => document.documentElement.lang === "zh-CN");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await ada.getByPlaceholder("发送到 lobby").waitFor();
  assert.equal(await ada.evaluate(() => document.documentElement.dataset.theme), "dark");
});

story("scrolling back: at most 320 entries, no jump, and back to the newest", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await ada.getByRole("button", { name: "New room" }).click();
  await ada.getByRole("dialog").getByLabel("Name").fill("long");
  await ada.getByRole("dialog").getByRole("button", { name: "Make the room" }).click();
  await online(ada);
  await ada.evaluate(async () => {
    const { request } = await import("/assets/app/socket.js");
    for (let n = 0; n < 500; n += 50) await Promise.all(Array.from({ length: 50 }, (_, at) => request({ type: "say", room: "long", text: `line ${n + at + 1}` })));
  });
  await asAccount(bob, hub, "bob");
  await bob.goto(`${hub.url}/rooms/long`);
  await message(bob, "line 500").waitFor();
  assert.ok((await bob.locator(".log [data-key]").count()) <= 320);
  let least = 500;
  for (let turn = 0; turn < 60 && least > 1; turn += 1) {
    await bob.locator(".log").hover();
    await bob.mouse.wheel(0, -3000);
    least = await bob.evaluate(async () => {
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return Math.min(...[...document.querySelectorAll("article.msg .body > p")].map((p) => Number(/line (\d+)/.exec(p.textContent)?.[1] ?? Infinity)));
    });
    assert.ok((await bob.locator(".log [data-key]").count()) <= 320);
  }
  await until(bob, () => [...document.querySelectorAll("article.msg .body > p")].some((p) => p.textContent.trim() === "line 1"));
  // What is read does not move when something new comes.
  const place = () => bob.evaluate(() => {
    const box = document.querySelector(".log").getBoundingClientRect();
    const first = [...document.querySelectorAll(".log [data-key]")].find((node) => node.getBoundingClientRect().bottom > box.top);
    return [first.id, Math.round(first.getBoundingClientRect().top - box.top)];
  });
  const before = await place();
  await say(ada, "something new");
  await bob.getByRole("button", { name: /^New messages/ }).waitFor();
  assert.deepEqual(await place(), before);
  await bob.getByRole("button", { name: /^New messages/ }).click();
  await message(bob, "something new").waitFor();
  await until(bob, () => { const log = document.querySelector(".log"); return log.scrollHeight - log.scrollTop - log.clientHeight < 2; });
  await bob.goto(`${hub.url}/rooms/long/300`);
  await until(bob, () => document.querySelector("#m300") && document.activeElement === document.querySelector("#m300"));
});

story("an operator moderates", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await ada.goto(`${hub.url}/rooms/print-queue`);
  await online(ada);
  await asAccount(bob, hub, "bob");
  await bob.goto(`${hub.url}/rooms/print-queue`);
  await online(bob);
  await ada.getByRole("button", { name: "Settings of print-queue" }).click();
  await ada.getByRole("dialog").getByLabel("Topic").fill("paper and ink");
  await ada.getByRole("switch", { name: /^Read only/ }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await bob.getByText("Read only here").waitFor();
  await bob.locator(".top").getByText("paper and ink").waitFor();
  await ada.getByRole("button", { name: "What to do with bob" }).click();
  await ada.getByRole("button", { name: "Send out of the room" }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Send out" }).click();
  await ada.getByText("ada sent bob out").waitFor();
});

story("an invite link lets a guest into its room", async (page, _, t) => {
  if ((await fetch(`${hub.url}/api/v1/invites`)).status === 404) {
    t.skip("this hub has no invite links: it answers 404 to /api/v1/invites");
    return;
  }
  const [ada, kim] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await online(ada);
  await ada.getByRole("button", { name: "Invite people" }).first().click();
  await ada.getByRole("button", { name: "Make a link" }).click();
  const link = new URL(await ada.getByLabel("Copy the link").inputValue());
  await ada.getByRole("img", { name: /^QR code/ }).waitFor();
  await kim.goto(`${hub.url}${link.pathname}${link.hash}`);
  await kim.getByText("ada invites you to lobby.").waitFor();
  await kim.getByLabel("Your name").fill("kim");
  await kim.getByRole("button", { name: "Come in as a guest" }).click();
  await kim.getByRole("heading", { name: "lobby", level: 1 }).waitFor();
});

story("names and texts that look like code stay text", async (page) => {
  const [ada, bob] = [await page(), await page()];
  await asAccount(ada, hub, "ada");
  await asAccount(bob, hub, "bob");
  await ada.goto(`${hub.url}/rooms/lobby`);
  await online(ada);
  await bob.goto(`${hub.url}/rooms/lobby`);
  await online(bob);
  await say(ada, '<img src=x onerror="window.hit=1"> [a](javascript:window.hit=1)', "<img src=x");
  await message(bob, "<img src=x").waitFor();
  assert.equal(await bob.evaluate(() => window.hit), undefined);
  assert.equal(await bob.locator('.log a[href^="javascript"]').count(), 0);
});
