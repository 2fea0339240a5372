// What docs/performance.md says of the browser: bytes that the first view of a room takes, and how soon a room with
// 10,000 messages is seen. `HUBBUB=../../target/release/hubbub npm run measure`
import { asAccount, newPage, online, setUp, startBrowser, startHub } from "./kit.mjs";

const RUNS = 7;
const MESSAGES = 10_000;
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

const hub = await startHub();
const browser = await startBrowser();
try {
  const ada = await newPage(browser);
  await setUp(ada, hub);
  await ada.evaluate(async (messages) => {
    const { request } = await import("/assets/app/socket.js");
    await request({ type: "create", room: "long" });
    for (let n = 0; n < messages; n += 50) await Promise.all(Array.from({ length: 50 }, (_, at) => request({ type: "say", room: "long", text: `line ${n + at}` })));
  }, MESSAGES);
  await ada.context().close();
  for (const [name, isKnown] of [["nothing kept", false], ["the files kept, each asked for anew", true]]) {
    const seen = { bytes: [], frames: [], requests: [], paint: [], log: [] };
    for (let run = 0; run < RUNS; run += 1) {
      const page = await newPage(browser, { serviceWorkers: "block" });
      await asAccount(page, hub, "ada");
      const state = await page.context().storageState();
      let at = page;
      if (isKnown) await page.goto(`${hub.url}/rooms/lobby`).then(() => online(page));
      else at = await newPage(browser, { serviceWorkers: "block", storageState: state });
      const wire = await at.context().newCDPSession(at);
      await wire.send("Network.enable");
      let [bytes, frames, requests] = [0, 0, 0];
      wire.on("Network.loadingFinished", (done) => {
        bytes += done.encodedDataLength;
        requests += 1;
      });
      wire.on("Network.webSocketFrameReceived", ({ response }) => (frames += Buffer.byteLength(response.payloadData)));
      await at.addInitScript(() => {
        const look = () => (document.querySelectorAll(".log article.msg").length ? requestAnimationFrame(() => (window.logAt = performance.now())) : requestAnimationFrame(look));
        look();
      });
      await at.goto(`${hub.url}/rooms/long`);
      await at.waitForFunction(() => window.logAt);
      await online(at);
      seen.paint.push(await at.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
      seen.log.push(await at.evaluate(() => window.logAt));
      seen.bytes.push(bytes);
      seen.frames.push(frames);
      seen.requests.push(requests);
      await page.context().close();
      if (!isKnown) await at.context().close();
    }
    console.log(`${name}: ${median(seen.bytes)} bytes in ${median(seen.requests)} requests, ${median(seen.frames)} bytes in the socket; first paint ${Math.round(median(seen.paint))} ms, the log ${Math.round(median(seen.log))} ms (${RUNS} runs, medians; worst ${Math.round(Math.max(...seen.log))} ms)`);
  }
} finally {
  await browser.close();
  await hub.stop();
}
