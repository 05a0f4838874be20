import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { type Report, renderReport } from "../../handler/report/report.ts";
import { fleetReport } from "../fakes/fleet-report.ts";
import { launchChromium } from "./chromium.ts";

export interface Opened {
  readonly page: Page;
  /** What the browser complained of: scripts, and what the page's policy stopped. */
  readonly complaints: readonly string[];
  /** All that was asked for, the page's own file first. */
  readonly requests: readonly string[];
}

/** For a test file: reports of fleets of these sizes, made once, and a browser to open them in. */
export function useReports<Size extends number>(...sizes: readonly Size[]) {
  const reports = new Map<Size, Report>();
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await launchChromium();
    folder = await mkdtemp(join(tmpdir(), "report-"));
    for (const size of sizes) reports.set(size, (await fleetReport(size)).report);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function of(size: Size): Report {
    const report = reports.get(size);
    if (report === undefined) throw new Error("It is made before the first test");
    return report;
  }

  /** From a file, as an operator does. */
  async function open(report: Report, options: BrowserContextOptions = {}): Promise<Opened> {
    const file = join(folder, "report.html");
    await writeFile(file, renderReport(report));
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return { page, complaints, requests };
  }

  return { of, open };
}

export const rowsOf = (page: Page) => page.locator('tbody tr[id^="row-"]:visible');
/** The button of the n-th row that is shown. */
export const nameIn = (page: Page, index: number) => rowsOf(page).nth(index).getByRole("button");
