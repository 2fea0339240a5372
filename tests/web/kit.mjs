// What the browser tests share: a hub of their own, a proxy that can break the conn, pages, and waiting for what is seen.
import test from "node:test";
import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const BIN = process.env.HUBBUB ?? "hubbub";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** Nothing that a test waits for takes longer, in milliseconds. */
export const PATIENCE = 15_000;
export const PASSWORD = "correct horse battery";

/** A hub in a folder of its own, on a free port of the loopback address. @param {Record<string, string>} [env] of its configuration */
export async function startHub(env = {}) {
  const data = mkdtempSync(path.join(os.tmpdir(), "hubbub-web-"));
  const child = spawn(BIN, ["serve", "--data", data, "--listen", "any://127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (said += piece));
  const told = (pattern) => new Promise((resolve, reject) => {
    const look = () => {
      const found = pattern.exec(said);
      if (found) resolve(found[1]);
    };
    setTimeout(() => reject(new Error(`the hub did not say ${pattern}:\n${said}`)), PATIENCE).unref();
    for (const stream of [child.stdout, child.stderr]) stream.on("data", look);
    look();
  });
  const port = Number(await told(/listening (?:listener=)?any:\/\/127\.0\.0\.1:([1-9]\d*)/).catch((error) => {
    child.kill("SIGTERM");
    throw error;
  }));
  const setup = await told(/\/setup#(\S+)/).catch(() => "");
  const proxy = await startProxy(port);
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    setup,
    cut: proxy.cut,
    heal: proxy.heal,
    /** Makes an account from the command line. */
    account(name, role = "member") {
      execFileSync(BIN, ["user", "add", name, "--role", role, "--password-stdin", "--data", data], { input: `${PASSWORD}\n`, stdio: ["pipe", "ignore", "pipe"] });
    },
    /** Makes a token from the command line. */
    token: (name) => execFileSync(BIN, ["token", "add", name, "--scope", "read,write", "--data", data], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim().split(/\s+/).find((word) => word.startsWith("hub_")),
    async stop() {
      proxy.stop();
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Bytes through, until they are not. */
async function startProxy(port) {
  const open = new Set();
  let broken = false;
  const server = net.createServer((near) => {
    if (broken) {
      near.destroy();
      return;
    }
    const far = net.connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    cut() {
      broken = true;
      for (const socket of open) socket.destroy();
    },
    heal: () => (broken = false),
    stop() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

export const startBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: ARGS });

/** A page whose errors, and refusals of the content security policy, fail the test that asks for them. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.stack ?? String(error)));
  page.on("console", (line) => {
    // A broken conn is what some tests make.
    if (line.type() === "error" && !/ERR_|Failed to load resource|WebSocket connection/.test(line.text())) page.faults.push(line.text());
  });
  return page;
}

/** Comes in as a guest. */
export async function asGuest(page, hub, name, at = "/") {
  await page.goto(hub.url + at);
  await page.getByLabel(/^(Your name|你的名字)$/).fill(name);
  await page.keyboard.press("Enter");
  await page.locator("#composer").waitFor();
  await online(page);
}

/** Signs in with an account, and comes to `at`. */
export async function asAccount(page, hub, name, at = "/signin") {
  await page.goto(hub.url + at);
  await page.locator("#name").fill(name);
  await page.locator("#password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.locator("#composer").waitFor();
  await online(page);
}

/** Makes the first owner, `ada`, by the one-time link, and leaves its page in the lobby. */
export async function setUp(page, hub) {
  await page.goto(`${hub.url}/setup#${hub.setup}`);
  await page.getByLabel("Name of the hub").fill("Our lab");
  await page.getByLabel("Your name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Open the hub" }).click();
  await online(page);
}

/** Waits until the room's people have come, which is after the login. */
export const online = (page) => page.locator(".logbox").waitFor();

/** Writes a message with the keyboard and waits until the hub has it, as `shown` where marks become something else. */
export async function say(page, text, shown = text) {
  await page.locator("#composer").fill(text);
  await page.locator("#composer").press("Enter");
  await message(page, shown).and(page.locator("[id]")).waitFor();
}

/** The entry whose text this is. */
export const message = (page, text) => page.locator("article.msg").filter({ has: page.locator(".body").getByText(text, { exact: false }) }).last();

/** The texts of all messages of the log, in order. */
export const texts = (page) => page.locator("article.msg .body > p").allInnerTexts();

/** Waits until the page function is true; shows the log if it never is. */
export async function until(page, what, arg) {
  try {
    await page.waitForFunction(what, arg, { timeout: PATIENCE });
  } catch (error) {
    throw new Error(`never: ${what}\nthe log: ${JSON.stringify(await texts(page))}\n${error.message}`);
  }
}

/** Tells stories: with pages that are closed behind them, must not have met an error, and are shown if the story fails. `hub` and `browser` are asked for when it begins. */
export const storyteller = (given) => (name, run) => test(name, async (t) => {
  const { hub, browser } = given();
  const pages = [];
  const page = async (options) => {
    pages.push(await newPage(browser, options));
    return pages[pages.length - 1];
  };
  try {
    await run(page, hub, t);
    for (const one of pages) assert.deepEqual(one.faults, []);
  } catch (error) {
    if (process.env.SHOTS) for (const [at, one] of pages.entries()) await one.screenshot({ path: `${process.env.SHOTS}/${name.replace(/\W+/g, "-")}-${at}.png` });
    for (const one of pages) error.message += `\nthe page: ${JSON.stringify(await state(one))}`;
    throw error;
  } finally {
    for (const one of pages) await one.context().close();
  }
});

/** What a failed test wants to know of a page. */
export async function state(page) {
  const seen = await page.evaluate(() => ({
    path: location.pathname,
    focus: document.activeElement?.outerHTML.slice(0, 120),
    composer: document.querySelector("#composer")?.value,
    dialog: document.querySelector("dialog[open]")?.getAttribute("aria-label"),
    kept: { ...localStorage },
  })).catch(String);
  return { seen, texts: await texts(page).catch(String), faults: page.faults };
}
