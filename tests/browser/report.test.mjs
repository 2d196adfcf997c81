// What somebody sees who opens report.html from disk. Run by ./run, which makes the pages.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const pages = process.env.PAGES;
const screenshots = new URL("screenshots/", import.meta.url).pathname;
/** A page opens in less, milliseconds. */
const OPENS = 2000;
/** A page has at most so many bytes. */
const BYTES = 5 * 1024 * 1024;

let browser;

before(async () => {
  await mkdir(screenshots, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});
after(() => browser?.close());

/** Opens the page of a run; it must be silent, alone and quick. */
async function open(name, { hash = "", width = 1280, height = 900, scheme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  const noise = [];
  page.on("console", (message) => noise.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => noise.push(`error: ${error.stack}`));
  const file = join(pages, name, "report.html");
  const address = `file://${file}`;
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address) noise.push(`request: ${request.url()}`);
  });
  const begun = Date.now();
  await page.goto(address + hash);
  await page.waitForFunction(() => document.querySelectorAll("#kind option").length > 0);
  const took = Date.now() - begun;
  return { page, noise, took, bytes: (await stat(file)).size, close: () => context.close() };
}

const seconds = (page) => page.locator("#time").textContent().then((text) => Number(text.replace(/[^\d.]/g, "")));

test("the page opens from disk: quick, silent, without network", async () => {
  for (const name of ["deploy", "crowd", "retry-to-dlq-timetable", "clustering-vs-broadcasting", "dlq-lifecycle"]) {
    const { noise, took, bytes, close, page } = await open(name);
    await page.waitForTimeout(200);
    assert.deepEqual(noise, [], name);
    assert.ok(took < OPENS, `${name} takes ${took} ms`);
    assert.ok(bytes <= BYTES, `${name} has ${bytes} bytes`);
    await close();
  }
});

test("play, pause, speed and keys move the clock", async () => {
  const { page, noise, close } = await open("deploy");
  await page.locator("#speed").selectOption("50");
  await page.locator("#play").click();
  await page.waitForFunction(() => parseFloat(document.querySelector("#time").textContent) > 20);
  await page.locator("#play").click();
  const paused = await seconds(page);
  await page.waitForTimeout(200);
  assert.equal(await seconds(page), paused);
  await page.waitForURL(/#t=[\d.]+s$/);

  // The slider keeps the keys that move it; the others work from there too.
  await page.locator("#seek").focus();
  await page.keyboard.press("Home");
  assert.equal(await seconds(page), 0);
  await page.keyboard.press("]");
  assert.ok((await page.locator("#moments [aria-current]").count()) === 1);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Home");
  assert.equal(await seconds(page), 0);
  await page.keyboard.press("ArrowRight");
  assert.equal(await seconds(page), 6);
  await page.keyboard.press("+");
  assert.equal(await page.locator("#speed").inputValue(), "100");
  await page.keyboard.press(" ");
  await page.waitForFunction(() => parseFloat(document.querySelector("#time").textContent) > 10);
  await page.keyboard.press(" ");
  await page.keyboard.press("End");
  assert.equal(await seconds(page), 600);
  assert.deepEqual(noise, []);
  await close();
});

test("a rebalance is scrubbed to, seen, and explained in a sentence", async () => {
  const { page, noise, close } = await open("deploy");
  await page.locator("#seek").fill(String(Math.round((59.5 / 600) * 10000)));
  const owner = (queue) => page.locator("#brokers .queue").nth(queue).getAttribute("title");
  const before = await owner(0);
  assert.match(before, /held by billing-1$/);
  await page.locator("#kind").selectOption("rebalance");
  await page.locator("#next").click();
  const text = await page.locator("#sentence").textContent();
  assert.match(text, /The round of billing-\d+ (takes|gives)/, text);
  const at = await seconds(page);
  assert.ok(at >= 60 && at < 62, `at ${at}`);
  await page.keyboard.press("]");
  await page.locator("#seek").fill(String(Math.round((64 / 600) * 10000)));
  assert.notEqual(await owner(0), before, "the queue has changed hands");
  assert.equal(await page.locator(".consumer.away").count(), 1, "one member is away");
  await page.locator("#before").click();
  assert.ok((await seconds(page)) < 64);
  assert.deepEqual(noise, []);
  await close();
});

test("kinds of moments are offered, and dead letters told and counted", async () => {
  const { page, close } = await open("retry-to-dlq-timetable");
  const kinds = await page.locator("#kind option").evaluateAll((options) => options.map((option) => option.value));
  for (const kind of ["retry", "dead", "member"]) assert.ok(kinds.includes(kind), `${kind} of ${kinds}`);
  await page.locator("#kind").selectOption("dead");
  await page.locator("#next").click();
  assert.match(await page.locator("#sentence").textContent(), /%DLQ%/);
  assert.equal(await page.locator("#brokers .queue.dead .n").first().textContent(), "1", "the picture is of after it");
  await page.locator("#moments button").first().click();
  await page.waitForURL(/#t=/);
  await close();
});

test("tables sort by numbers and by names", async () => {
  const { page, close } = await open("deploy");
  await page.locator("summary", { hasText: "Consumers" }).click();
  const table = page.locator("#table-consumers");
  const column = (place) => table.locator(`tbody td:nth-child(${place})`).allTextContents();
  const head = table.locator("th", { hasText: "deliveries" });
  const place = (await table.locator("th").allTextContents()).indexOf("deliveries") + 1;
  const numbers = async () => (await column(place)).map((text) => Number(text.replace(/\D/g, "")));
  await head.locator("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  const down = await numbers();
  assert.deepEqual(down, down.toSorted((a, b) => b - a));
  await head.locator("button").click();
  assert.deepEqual(await numbers(), down.toReversed());
  await table.locator("th button").first().click();
  const names = await column(1);
  assert.equal(names[0], "billing-1");
  assert.ok(names.indexOf("billing-2") < names.indexOf("billing-10"), "numbers in names count");
  await close();
});

test("a deep link opens its moment and its group", async () => {
  const deploy = await open("deploy", { hash: "#t=105.6s" });
  assert.equal(await deploy.page.locator("#time").textContent(), "105.600 s");
  await deploy.page.evaluate(() => (location.hash = "#t=3m"));
  await deploy.page.waitForFunction(() => document.querySelector("#time").textContent === "180.000 s");
  await deploy.page.evaluate(() => (location.hash = "#t=nonsense"));
  assert.equal(await deploy.page.locator("#time").textContent(), "180.000 s");
  assert.deepEqual(deploy.noise, []);
  await deploy.close();

  const crowd = await open("crowd", { hash: "#t=61s&group=stock" });
  assert.equal(await crowd.page.locator("#group option:checked").textContent(), "stock");
  assert.equal(await crowd.page.locator(".consumer").count(), 2);
  await crowd.close();
});

test("charts share a time cursor and tell values", async () => {
  const { page, noise, close } = await open("deploy");
  const chart = page.locator(".chart").first();
  await chart.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await chart.locator(".plot").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 3);
  const values = page.locator("#values");
  await values.waitFor({ state: "visible" });
  assert.match(await values.textContent(), /^\d[\d.]* s.*\d/);
  const marked = await page.locator(".cursor line.here").evaluateAll((lines) => lines.filter((line) => line.style.visibility === "visible").length);
  assert.ok(marked > 2, `the cursor is in ${marked} panels`);
  await page.mouse.click(x + width / 2, y + height / 3);
  const at = await seconds(page);
  assert.ok(at > 200 && at < 400, `the player goes to ${at}`);
  assert.deepEqual(noise, []);
  await close();
});

test("a client that has gone neither works nor is worked for", async () => {
  const { page, close } = await open("broker-crash-offset-rollback", { hash: "#t=130s" });
  const gone = page.locator(".consumer.away");
  assert.ok((await gone.count()) > 0);
  for (const card of await gone.all()) assert.match(await card.textContent(), /threads0 \/ \d+cached0/);
  await close();
});

test("keys belong to the player only while it is on show", async () => {
  const { page, close } = await open("deploy");
  await page.locator("#tables").scrollIntoViewIfNeeded();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForTimeout(200);
  await page.keyboard.press("End");
  assert.equal(await seconds(page), 0);
  await close();
});

test("a crowd is bounded, and says what it leaves out", async () => {
  const { page, noise, close } = await open("crowd");
  assert.equal(await page.locator("#consumers .consumer").count(), 80);
  assert.match(await page.locator("#consumers .more").textContent(), /and 70 more consumers/);
  assert.equal(await page.locator("#brokers .broker").count(), 4, "every broker has a card");
  assert.match(await page.locator("#brokers .queue", { hasText: "more" }).first().textContent(), /^40 more/);
  assert.ok((await page.locator("#brokers .queue.retry").count()) >= 4, "retry queues are never hidden");
  assert.match(await page.locator("#tables").textContent(), /The first 400 of \d+ rows; sorting is among these/);
  assert.equal(await page.title(), "A crowd </script><img src=x onerror=alert(1)> & many queues · rmqsim");
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(noise, []);
  await close();
});

test("it can be read: light, dark, on a phone, by a screen reader", async () => {
  for (const [name, options] of Object.entries({
    light: {},
    dark: { scheme: "dark" },
    phone: { width: 390, height: 844 },
  })) {
    const { page, noise, close } = await open("deploy", { ...options, hash: "#t=105.6s" });
    await page.screenshot({ path: join(screenshots, `player-${name}.png`) });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name}: ${wide} pixels too wide`);
    const nameless = await page.locator("button, select, input").evaluateAll((all) =>
      all.filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length)).map((one) => one.id || one.outerHTML));
    assert.deepEqual(nameless, []);
    const pale = await page.evaluate(paleTexts);
    assert.deepEqual(pale, [], `${name}: contrast below 4.5`);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(screenshots, `page-${name}.png`), fullPage: true });
    assert.deepEqual(noise, []);
    await close();
  }
  const { page, close } = await open("deploy");
  assert.equal(await page.locator("#sentence").getAttribute("role"), "status");
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await close();
});

/** Runs in the page: texts whose contrast with their ground is below 4.5, charts and what is away left out. */
function paleTexts() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const painted = (...layers) => {
    pen.clearRect(0, 0, 1, 1);
    for (const layer of layers) {
      pen.fillStyle = layer;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pale = [];
  for (const node of document.querySelectorAll("main *, header *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (!own || node.closest("svg, .away, .hidden, noscript") || node.checkVisibility?.() === false) continue;
    const grounds = [];
    for (let up = node; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const ground = painted("white", ...grounds);
    const ink = painted("white", ...grounds, getComputedStyle(node).color);
    const [low, high] = [light(ground), light(ink)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) pale.push(`${node.tagName} ${node.className} "${node.textContent.trim().slice(0, 30)}" ${contrast.toFixed(2)}`);
  }
  return [...new Set(pale)].slice(0, 10);
}
