// axe-core on every screen, in both themes: no violation of WCAG 2.2 A or AA.
import test, { before, after } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { message, newPage, online, PASSWORD, say, startBrowser, startHub } from "./kit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

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

async function clean(page, screen) {
  // Evaluated by the debugger, not by the page: the content security policy stands.
  await page.evaluate(AXE);
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {}))));
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags } }), TAGS);
  const told = violations.flatMap((one) => one.nodes.map((node) => `${screen}: ${one.id} (${one.impact}) ${node.target.join(" ")}\n    ${node.html.slice(0, 160)}\n    ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`));
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${screen.replace(/\W+/g, "-")}.png` });
  return told;
}

test("no violation on any screen", { timeout: 300_000 }, async () => {
  const told = [];
  const first = await newPage(browser);
  await first.goto(`${hub.url}/setup#${hub.setup}`);
  await first.getByLabel("Name of the hub").waitFor();
  for (const scheme of ["light", "dark"]) {
    await first.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    told.push(...(await clean(first, `setup ${scheme}`)));
  }
  await first.getByLabel("Name of the hub").fill("Our lab");
  await first.getByLabel("Your name").fill("ada");
  await first.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await first.getByRole("button", { name: "Open the hub" }).click();
  await online(first);
  await first.context().close();
  hub.account("bob");
  for (const [scheme, locale] of [["light", "en-GB"], ["dark", "zh-CN"]]) {
    for (const size of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      const page = await newPage(browser, { colorScheme: scheme, reducedMotion: "reduce", locale, viewport: size });
      const check = async (screen) => told.push(...(await clean(page, `${screen} ${scheme} ${size.width}`)));
      await page.goto(`${hub.url}/signin`);
      await page.locator("#guest").waitFor();
      await check("signin");
      await page.goto(`${hub.url}/invite#none`);
      await page.locator(".empty").waitFor();
      await check("invite over");
      await page.goto(`${hub.url}/signin`);
      await page.locator("#name").fill("ada");
      await page.locator("#password").fill(PASSWORD);
      await page.keyboard.press("Enter");
      await page.locator(size.width < 720 ? ".tabbar" : "#composer").waitFor();
      await check("home");
      await page.goto(`${hub.url}/rooms/lobby`);
      await online(page);
      await say(page, "hello @bob `code` https://example.org **strong** ~~del~~", "hello @bob");
      await say(page, "```rust\nfn main() {} // comment\nlet s = \"text\";\n```\n> quoted\n\n- list", "quoted");
      const mark = `${scheme}${size.width}`;
      await say(page, `你好，世界 ${mark}`);
      const last = message(page, `你好，世界 ${mark}`).and(page.locator("[id]"));
      await last.focus();
      await page.keyboard.press("r");
      await say(page, `an answer ${mark}`);
      await last.focus();
      await page.keyboard.press("+");
      await page.getByRole("dialog").waitFor();
      await check("emoji");
      await page.getByRole("dialog").getByRole("button", { name: "👍" }).first().click();
      await last.locator(".react").first().waitFor();
      await check("room");
      await last.focus();
      await page.keyboard.press("Enter");
      await page.locator("#composer").fill(":th");
      await page.getByRole("option").first().waitFor();
      await check("completion");
      await page.locator("#composer").fill("");
      await page.keyboard.press("Control+K");
      await page.getByRole("dialog").waitFor();
      await check("switcher");
      await page.keyboard.press("Escape");
      await page.locator(".top .ico").nth(size.width < 720 ? 2 : 1).click();
      await page.getByRole("dialog").waitFor();
      await check("room settings");
      await page.keyboard.press("Escape");
      if (size.width < 720) {
        await page.goto(`${hub.url}/rooms/lobby?people`);
        await page.locator(".person").first().waitFor();
        await check("people");
      }
      await page.goto(`${hub.url}/rooms/nowhere`);
      await page.locator(".empty").waitFor();
      await check("no entry");
      await page.goto(`${hub.url}/search?q=hello`);
      await page.locator("mark").first().waitFor();
      await check("search");
      for (const path of ["settings", "search?mentions", "admin/accounts", "admin/invites", "admin/tokens", "admin/rooms"]) {
        await page.goto(`${hub.url}/${path}`);
        await page.locator("main h1").waitFor();
        await check(path);
      }
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  }
  assert.equal(told.length, 0, told.join("\n"));
});
