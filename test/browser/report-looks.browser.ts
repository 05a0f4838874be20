import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { LEFT_APART } from "../fakes/fleet-report.ts";
import { useReports } from "./open-report.ts";

const { of, open } = useReports(1, 70);

describe("a report in the browser", () => {
  it.each([
    ["dark", "light"],
    ["light", "dark"],
  ] as const)("is %s where the system is, and %s by its switch", async (colorScheme, other) => {
    const { page } = await open(of(1), { colorScheme });
    const brightness = async () => Number(/\d+/.exec(await styleOf(page, "h1", "color"))?.[0]);
    const before = await brightness();
    await page.getByRole("radio", { name: other }).check();
    expect(before > (await brightness())).toBe(colorScheme === "dark");
  });

  it("moves nothing where the system asks for that", async () => {
    const moves = async (reducedMotion: "reduce" | "no-preference") => {
      const { page } = await open(of(1), { reducedMotion });
      return styleOf(page, ".name button", "transitionDuration", "::before");
    };
    expect([await moves("no-preference"), await moves("reduce")]).toEqual(["0.12s", "0s"]);
  });

  it("prints in light colours, without what paper cannot do", async () => {
    const { page } = await open(of(70), { colorScheme: "dark" });
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".tools, .scheme, .pointed").filter({ visible: true }).count()).toBe(0);
    expect(await styleOf(page, ":root", "colorScheme")).toBe("light");
    expect(await page.locator(".chart").filter({ visible: true }).count()).toBe(70);
  });

  it.each([
    ["light", 1],
    ["dark", 1],
    ["light", 70],
    ["dark", 70],
  ] as const)("has no barrier that axe finds, %s, with %i", async (colorScheme, size) => {
    const { page } = await open(of(size), { colorScheme });
    if (size > 1) await page.locator(`#row-${LEFT_APART}`).getByRole("button").click();
    await page.locator("summary").last().click();
    await page.evaluate(axe.source);
    const { violations, passes } = (await page.evaluate("axe.run()")) as AxeResults;
    const flaws = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    expect(flaws).toEqual([]);
    expect(passes.map(({ id }) => id)).toContain("color-contrast");
  });
});

/** Computed, of the first element that fits, or of what stands before it. */
async function styleOf(page: Page, selector: string, property: string, pseudo?: "::before"): Promise<string> {
  const element = `document.querySelector(${JSON.stringify(selector)})`;
  return String(await page.evaluate(`getComputedStyle(${element}, ${JSON.stringify(pseudo)}).${property}`));
}
