// Says how long a page takes to its first paint in headless Chromium, five times:
// `node --experimental-websocket reports/dyno-report/examples/paint.mjs page.html` (the flag is for node before 22).
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const page = `file://${resolve(process.argv[2])}`;
const folder = mkdtempSync(join(tmpdir(), "paint-"));
const chromium = spawn("chromium", [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
  "--no-first-run", "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank",
], { stdio: ["ignore", "ignore", "pipe"] });
const address = await new Promise((found, failed) => {
  let said = "";
  chromium.on("error", failed);
  chromium.stderr.on("data", (data) => {
    said += data;
    const match = said.match(/DevTools listening on (ws:\S+)/);
    if (match) found(match[1]);
  });
});

if (typeof WebSocket === "undefined") {
  chromium.kill();
  throw new Error("this node has no WebSocket: run it with --experimental-websocket");
}
const socket = new WebSocket(address);
await new Promise((open) => { socket.onopen = open; });
let last = 0;
const waiting = new Map();
socket.onmessage = ({ data }) => {
  const { id, result, error } = JSON.parse(data);
  waiting.get(id)?.(error ? { error } : result);
};
const ask = (method, params, sessionId) => new Promise((done) => {
  waiting.set(last += 1, done);
  socket.send(JSON.stringify({ id: last, method, params, sessionId }));
});
const look = async () => {
  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
  const run = async (expression) =>
    (await ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true }, sessionId)).result?.value;
  await ask("Page.enable", {}, sessionId);
  await ask("Page.navigate", { url: page }, sessionId);
  for (let tries = 0; tries < 200; tries += 1) {
    const state = await run(`JSON.stringify([document.readyState, document.querySelectorAll("button.zoom").length,
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime, performance.timing.loadEventEnd - performance.timing.navigationStart])`);
    const [ready, buttons, paint, loaded] = JSON.parse(state ?? "[]");
    if (ready === "complete" && paint && loaded > 0) {
      await ask("Target.closeTarget", { targetId });
      return { paint, loaded, buttons };
    }
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error("the page was never painted");
};
for (let again = 0; again < 5; again += 1) {
  const { paint, loaded, buttons } = await look();
  console.log(`first contentful paint ${paint.toFixed(0)} ms, loaded ${loaded} ms, ${buttons} charts answer to the pointer`);
}
socket.close();
chromium.kill();
await new Promise((gone) => chromium.on("exit", gone));
// Its child processes end a little later, and write until then.
await new Promise((gone) => setTimeout(gone, 500));
rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
