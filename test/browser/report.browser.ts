import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { LEFT_APART } from "../fakes/fleet-report.ts";
import { nameIn, rowsOf, useReports } from "./open-report.ts";

const MANY = 1_000;
/** From opening the page until it can be used, with a thousand secrets. It takes a second on two idle cores. */
const OPEN_MS = 10_000;

const { of, open } = useReports(1, 70, MANY);
const focused = (page: Page) => page.locator(":focus").textContent();

describe("a report in the browser", () => {
  it("shows one secret in full: each step, the task, and the exposure window in its place", async () => {
    const { page } = await open(of(1));
    const lanes = await page.locator(".lanes .lane").allTextContents();
    expect(lanes).toEqual([
      "createSecret",
      "setSecret",
      "testSecret",
      "finishSecret",
      expect.stringMatching(/^task \d+$/),
      "exposure",
    ]);
    const box = async (bar: string) => {
      const found = await page.locator(`.lanes .line:not(.near) > i.${bar}`).last().boundingBox();
      return found ?? { x: Number.NaN, width: Number.NaN };
    };
    const [set, finish, exposure] = [
      await box("setSecret"),
      await box("finishSecret"),
      await box("exposure"),
    ];
    expect(exposure.x).toBeCloseTo(set.x + set.width, 0);
    expect(exposure.x + exposure.width).toBeCloseTo(finish.x + finish.width, 0);
    expect(await page.locator(".happenings li").count()).toBeGreaterThan(6);
  });

  it("can be worked with the keyboard alone", async () => {
    const { page } = await open(of(70));
    const first = nameIn(page, 0);
    await first.focus();
    await page.keyboard.press("Enter");
    expect(await first.getAttribute("aria-expanded")).toBe("true");
    const detail = page.locator(`#${await first.getAttribute("aria-controls")}`);
    expect(await detail.isVisible()).toBe(true);
    await page.keyboard.press("Enter");
    expect([await first.getAttribute("aria-expanded"), await detail.isVisible()]).toEqual(["false", false]);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe(await nameIn(page, 1).textContent());
  });

  it("finds secrets by text and by status", async () => {
    const { page } = await open(of(70));
    const search = page.getByRole("searchbox");
    await search.fill("EU-frankfurt");
    const all = of(70).answer.results;
    const inFrankfurt = all.filter(({ region }) => region === "eu-frankfurt").length;
    expect(await rowsOf(page).count()).toBe(inFrankfurt);
    expect(await page.locator(".tools output").textContent()).toBe(`${inFrankfurt} of 70 shown`);
    await search.fill("");
    await page.getByRole("radio", { name: "failed 2" }).check();
    expect(await rowsOf(page).count()).toBe(2);
    await search.fill("AccessDenied");
    expect(await rowsOf(page).locator("th").allTextContents()).toEqual([expect.stringContaining("crs-")]);
  });

  it("sorts by a column, up and down, and says so", async () => {
    const { page } = await open(of(70));
    const took = page.getByRole("columnheader", { name: "Took" });
    const shown = async () => (await rowsOf(page).locator("td:last-child").allTextContents()).map(secondsOf);
    await took.getByRole("button").click();
    const down = await shown();
    expect([await took.getAttribute("aria-sort"), down]).toEqual([
      "descending",
      down.toSorted((a, b) => b - a),
    ]);
    await took.getByRole("button").click();
    const up = await shown();
    expect([await took.getAttribute("aria-sort"), up]).toEqual(["ascending", up.toSorted((a, b) => a - b)]);
    await page.getByRole("columnheader", { name: "Status" }).getByRole("button").click();
    expect(await rowsOf(page).first().textContent()).toContain("failed");
    expect(await took.getAttribute("aria-sort")).toBeNull();
  });

  it("leads from what needs attention to the secret, also where a filter hides it", async () => {
    const { page } = await open(of(70));
    await page.getByRole("radio", { name: "rotated" }).check();
    await page.locator(".attention a").first().click();
    const row = page.locator(`#row-${LEFT_APART}`);
    expect(await focused(page)).toBe(await row.getByRole("button").textContent());
    expect(await page.locator(`#more-${LEFT_APART}`).textContent()).toContain("may be open");
  });

  it("of a thousand secrets opens in a moment, and shows the whole run", async () => {
    const startedAt = performance.now();
    const { page } = await open(of(MANY));
    await nameIn(page, MANY - 1).waitFor();
    expect(performance.now() - startedAt).toBeLessThan(OPEN_MS);
    expect(await page.locator("h1").textContent()).toBe("980 of 1\u202f000 secrets rotated, 20 failed");
    const frame = page.locator(".frame");
    await frame.scrollIntoViewIfNeeded();
    await frame.hover({ position: { x: 400, y: 100 } });
    const pointed = await page.locator(".pointed").textContent();
    await frame.click({ position: { x: 400, y: 100 } });
    const opened = page.locator("tr.opened");
    expect(pointed).toContain(await opened.getByRole("button").textContent());
    expect(await page.locator("tr.more").isVisible()).toBe(true);
  });
});

function secondsOf(text: string): number {
  return Number.parseFloat(text) / (text.endsWith("ms") ? 1_000 : 1);
}
