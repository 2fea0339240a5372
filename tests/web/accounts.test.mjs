// Who one is: signing in, sessions, other devices, names and accounts that change, what an admin does; each as it is after a reload.
import { before, after } from "node:test";
import assert from "node:assert/strict";
import { asAccount, asGuest, message, online, PASSWORD, say, setUp, startBrowser, startHub, storyteller, until } from "./kit.mjs";

const FRESH = "another long password";
let hub;
let browser;
before(async () => {
  hub = await startHub({ HUBBUB_GUESTS_REGISTRATION: "true" });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const story = storyteller(() => ({ hub, browser }));

/** Who the cookie says one is. */
const session = (page) => page.evaluate(async () => (await (await fetch("/api/v1/session")).json()).me);
const settings = async (page) => {
  await page.goto(`${hub.url}/settings`);
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
};

story("a wrong password is told, the right one lasts over a reload", async (page) => {
  await setUp(await page(), hub);
  const ada = await page();
  await ada.goto(`${hub.url}/rooms/lobby`);
  await ada.locator("#name").fill("ada");
  await ada.locator("#password").fill("not the password");
  await ada.keyboard.press("Enter");
  await ada.getByText("Wrong name or password.").waitFor();
  await until(ada, () => document.activeElement.id === "password" && document.activeElement.value === "");
  await ada.keyboard.type(PASSWORD);
  await ada.keyboard.press("Enter");
  await online(ada);
  assert.equal(new URL(ada.url()).pathname, "/rooms/lobby", "where one wanted to go");
  await ada.reload();
  await online(ada);
  await say(ada, "here again");
  await message(ada, "here again").getByText("sent through the web door").waitFor({ state: "attached" });
});

story("a session that is ended elsewhere is signed out at once, and its cookie is worth nothing", async (page) => {
  const [here, there] = [await page(), await page()];
  await asAccount(here, hub, "ada");
  await asAccount(there, hub, "ada");
  await settings(here);
  const rows = here.getByRole("region", { name: "Sessions" }).getByRole("listitem");
  await rows.filter({ hasText: "this one" }).getByText("web: Chrome, Linux").waitFor();
  // The newest of the others is `there`.
  await rows.getByRole("button", { name: "End" }).last().click();
  await there.getByText("the session was ended").waitFor();
  await there.reload();
  await there.locator("#guest").waitFor();
  assert.equal(await session(there), undefined);
  assert.equal((await session(here)).nickname, "ada");
});

story("a link signs another device in, once", async (page) => {
  const [desk, phone, late] = [await page(), await page({ viewport: { width: 390, height: 844 } }), await page()];
  await asAccount(desk, hub, "ada");
  await settings(desk);
  await desk.getByRole("button", { name: "Make the link" }).click();
  await desk.getByRole("img", { name: /^QR code/ }).waitFor();
  const link = await desk.getByLabel("Copy the link").inputValue();
  assert.equal(new URL(link).origin, hub.url, "it leads to the address that one came by");
  await phone.goto(link);
  await phone.getByRole("button", { name: "Sign in here" }).click();
  await phone.getByRole("link", { name: /^lobby/ }).click();
  await online(phone);
  assert.equal((await session(phone)).nickname, "ada");
  await late.goto(link);
  await late.getByRole("button", { name: "Sign in here" }).click();
  await late.getByText("The link has ended or was used").waitFor();
});

story("signing out ends here, for all tabs", async (page) => {
  const ada = await page();
  await asAccount(ada, hub, "ada");
  const tab = await ada.context().newPage();
  await tab.goto(`${hub.url}/rooms/lobby`);
  await online(tab);
  await settings(ada);
  await ada.getByRole("button", { name: "Sign out" }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await ada.getByText("You were signed out: by yourself").waitFor();
  await tab.getByText("You were signed out").waitFor();
  await ada.reload();
  await ada.locator("#guest").waitFor();
});

story("a guest keeps a new name, and later an account, over reloads", async (page) => {
  const tom = await page();
  await asGuest(tom, hub, "tom");
  await settings(tom);
  assert.equal(await tom.getByRole("heading", { name: "Sign in on your phone" }).count(), 0, "a guest has nothing to hand over");
  await tom.getByLabel("Name", { exact: true }).fill("tommy");
  await tom.getByRole("button", { name: "Change the name" }).click();
  await tom.getByText("You are tommy").waitFor();
  await tom.reload();
  await tom.getByText("You are tommy").waitFor();
  await tom.getByLabel("New password").fill(PASSWORD);
  await tom.getByRole("button", { name: "Make the account" }).click();
  await tom.getByText("You are tommy, member").waitFor();
  await tom.reload();
  await tom.getByText("You are tommy, member").waitFor();
  assert.deepEqual([(await session(tom)).kind, (await session(tom)).nickname], ["account", "tommy"]);
  await tom.goto(`${hub.url}/rooms/lobby`);
  await online(tom);
  await say(tom, "mine by now");
});

story("a new account by the form, refused where the name is taken", async (page) => {
  const kim = await page();
  await kim.goto(`${hub.url}/signin`);
  await kim.getByRole("button", { name: "Make an account" }).click();
  await kim.locator("#name").fill("ada");
  await kim.locator("#password").fill(PASSWORD);
  await kim.keyboard.press("Enter");
  await kim.getByText("This name is taken.").waitFor();
  await kim.locator("#name").fill("金敏");
  await kim.keyboard.press("Enter");
  await online(kim);
  assert.deepEqual([(await session(kim)).kind, (await session(kim)).nickname], ["account", "金敏"]);
});

story("a changed password ends the other sessions; only the new one signs in", async (page) => {
  const [here, there] = [await page(), await page()];
  hub.account("lin");
  await asAccount(here, hub, "lin");
  await asAccount(there, hub, "lin");
  await settings(here);
  await here.getByLabel("Old password").fill(PASSWORD);
  await here.getByLabel("New password").fill(FRESH);
  await here.getByRole("button", { name: "Change the password" }).click();
  await here.getByText("The password is changed.").waitFor();
  await there.getByText("the session was ended").waitFor();
  await there.reload();
  await there.locator("#name").fill("lin");
  await there.locator("#password").fill(PASSWORD);
  await there.keyboard.press("Enter");
  await there.getByText("Wrong name or password.").waitFor();
  await there.locator("#password").fill(FRESH);
  await there.keyboard.press("Enter");
  await online(there);
  await here.reload();
  await here.getByText("You are lin").waitFor();
});

story("an admin makes a device and its token, which speaks over REST, and switches an account off", async (page) => {
  const [ada, bob] = [await page(), await page()];
  hub.account("bob");
  await asAccount(ada, hub, "ada");
  await asAccount(bob, hub, "bob");
  await ada.goto(`${hub.url}/admin/accounts`);
  await ada.getByRole("button", { name: "New account" }).click();
  await ada.getByRole("dialog").getByLabel("Name").fill("kiln");
  await ada.getByRole("dialog").getByLabel("Role").selectOption("device");
  await ada.getByRole("dialog").getByRole("button", { name: "Make the account" }).click();
  await ada.getByRole("cell", { name: "kiln", exact: true }).waitFor();
  await ada.goto(`${hub.url}/admin/tokens`);
  await ada.getByLabel("Device or account").fill("kiln");
  await ada.keyboard.press("Enter");
  await ada.getByRole("heading", { name: /kiln$/ }).waitFor();
  await ada.locator("#label-of-kiln").fill("oven");
  await ada.keyboard.press("Enter");
  const secret = await ada.getByLabel("Copy the link").inputValue();
  const answer = await fetch(`${hub.url}/api/v1/rooms/lobby/messages`, {
    method: "POST", headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" }, body: JSON.stringify({ text: "612 C" }),
  });
  assert.equal(answer.status, 201);
  await message(bob, "612 C").getByText("device", { exact: true }).first().waitFor();

  await ada.goto(`${hub.url}/admin/accounts`);
  await ada.getByRole("button", { name: "What to do with bob" }).click();
  await ada.getByRole("button", { name: "Disable" }).click();
  await bob.getByText("the session was ended").waitFor();
});

story("rooms and people with names of any script have addresses that can be reloaded", async (page) => {
  const ada = await page();
  await asAccount(ada, hub, "ada");
  await ada.getByRole("button", { name: "New room" }).click();
  await ada.getByRole("dialog").getByLabel("Name").fill("实验室-2");
  await ada.getByRole("dialog").getByRole("button", { name: "Make the room" }).click();
  await ada.getByRole("heading", { name: "实验室-2", level: 1 }).waitFor();
  await say(ada, "焊接");
  await ada.reload();
  await message(ada, "焊接").waitFor();
  await ada.goto(`${hub.url}/directs/${encodeURIComponent("金敏")}`);
  await online(ada);
  await ada.reload();
  await ada.getByRole("heading", { name: "金敏", level: 1 }).waitFor();
});

story("without the hub, a page that is opened says so in the hub's own dress", async (page) => {
  const tom = await page();
  await asGuest(tom, hub, "tom");
  await tom.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await until(tom, () => navigator.serviceWorker.controller);
  hub.cut();
  await tom.goto(`${hub.url}/rooms/lobby`);
  await tom.getByRole("heading", { name: "Offline" }).waitFor();
  assert.notEqual(await tom.evaluate(() => getComputedStyle(document.querySelector(".btn")).backgroundColor), "rgba(0, 0, 0, 0)");
  hub.heal();
  await tom.getByRole("link", { name: /^Try again/ }).click();
  await online(tom);
});
