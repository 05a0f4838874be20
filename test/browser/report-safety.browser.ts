import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import { describeError, summarize } from "../../lib/rotation/answer.ts";
import { nameIn, rowsOf, useReports } from "./open-report.ts";

const { of, open } = useReports(1, 70);

describe("a report in the browser", () => {
  it.each([1, 70] as const)("of %i secrets asks for nothing and complains of nothing", async (size) => {
    const { page, complaints, requests } = await open(of(size));
    await nameIn(page, 0).focus();
    await page.waitForLoadState("networkidle");
    expect(complaints).toEqual([]);
    expect(requests).toEqual([page.url()]);
  });

  it("lets nothing in that is not its own: no markup, no style, no request", async () => {
    const server = createServer((_, response) => response.writeHead(204).end());
    let calls = 0;
    server.on("request", () => {
      calls += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const attack = async (bypassCSP: boolean) => {
      const { page } = await open(of(1), { bypassCSP });
      calls = 0;
      return [await page.evaluate(attackOn(url)), calls];
    };
    expect(await attack(false)).toEqual([["TypeError", "1", "stopped", "stopped"], 0]);
    // The same without the page's policy: it is that which stops them.
    expect(await attack(true)).toEqual([["markup", "0.5", "loaded", "loaded"], 2]);
  });

  it("shows hostile names and messages as texts", async () => {
    const text = `</script><img src=x onerror="globalThis.hit = true"><!--`;
    const error = describeError(
      new RotationError("StoreDenied", text, { effect: "unknown", requestId: text }),
    );
    const result = { secretId: text, instanceId: text, region: text, versionId: text, durationMs: 5, error };
    const other = { secretId: "redis/other", status: "ok", durationMs: 5 } as const;
    const answer = summarize("verify", [{ ...result, status: "failed" }, other]);
    const { page, complaints } = await open({ startedAt: 0, endedAt: 9, answer, events: [] });
    await nameIn(page, 0).click();
    expect(await nameIn(page, 0).textContent()).toBe(text);
    expect(await page.locator(".detail .facts").textContent()).toContain(`version${text}`);
    expect(await page.locator(".attention li").textContent()).toContain(`${text}. request ${text}`);
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.evaluate("globalThis.hit")).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  it("is a whole table without its script", async () => {
    const { page } = await open(of(70), { javaScriptEnabled: false });
    expect(await rowsOf(page).count()).toBe(70);
    expect(await page.locator(".attention article").count()).toBe(2);
    expect(await page.getByText("Without its script, this page shows no timelines.").isVisible()).toBe(true);
  });
});

/** What somebody would try who had got a foot in. */
const attackOn = (url: string) => `(async () => {
  const outcomes = [];
  try {
    document.querySelector("footer").innerHTML = "<b>in</b>";
    outcomes.push("markup");
  } catch (error) {
    outcomes.push(error.name);
  }
  const style = document.createElement("style");
  style.textContent = "body { opacity: 0.5 }";
  document.body.append(style);
  outcomes.push(getComputedStyle(document.body).opacity);
  const told = (promise) => promise.then(() => "loaded", () => "stopped");
  outcomes.push(await told(fetch("${url}", { mode: "no-cors" })));
  const image = new Image();
  const ended = new Promise((resolve) => (image.onload = image.onerror = resolve));
  const stopped = new Promise((_, reject) => document.addEventListener("securitypolicyviolation", reject));
  image.src = "${url}";
  outcomes.push(await told(Promise.race([ended, stopped])));
  return outcomes;
})()`;
