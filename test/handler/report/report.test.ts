import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { describe, expect, it, onTestFinished } from "vitest";
import { REPORT_PARTS } from "../../../build.ts";
import { type Report, renderReport } from "../../../handler/report/report.ts";
import { RotationError } from "../../../lib/errors.ts";
import type { Action, SecretResult, Status } from "../../../lib/ports.ts";
import { describeError, summarize } from "../../../lib/rotation/answer.ts";
import { fleetReport } from "../../fakes/fleet-report.ts";

const AT = Date.UTC(2026, 10, 23, 7, 12, 4);

function reportOf(action: Action, ...results: readonly Partial<SecretResult>[]): Report {
  const whole = results.map(
    (result, index): SecretResult => ({
      secretId: `redis/${index}`,
      instanceId: `crs-${index}`,
      region: "ap-guangzhou",
      status: "ok",
      durationMs: 40,
      ...result,
    }),
  );
  return { startedAt: AT, endedAt: AT + 1_500, answer: summarize(action, whole), events: [] };
}

function dataOf(page: string): { secrets: SecretResult[] } {
  return JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/.exec(page)?.[1] ?? "");
}

const error = (message: string) =>
  describeError(new RotationError("StoreDenied", message, { effect: "applied", requestId: "1234-abcd" }));

describe("the report of", () => {
  it.each<[Action, Status]>([
    ["rotate", "not-due"],
    ["rollback", "rotated"],
    ["plan", "planned"],
    ["status", "in-progress"],
    ["verify", "drift"],
    ["abandon", "ok"],
  ])("%s is a table where there are no events", (action, status) => {
    const page = renderReport(reportOf(action, { status }, { status }));
    expect(page).toContain(`<p class="product">redis-rotation <span>${action}</span></p>`);
    expect(page.match(/<tr id="row-/g)).toHaveLength(2);
    expect(page).not.toMatch(/>Timeline<|class="tiles"|>Exposure</);
    expect(page).toContain("2026-11-23 07:12:04 UTC</time>, took 1.5 s");
  });

  it("nothing says where to look", () => {
    expect(renderReport(reportOf("rotate"))).toContain("See ROTATION_TAG and ROTATION_PREFIX.");
  });

  it("a plan says when each secret falls due, and how long all would take", () => {
    const { answer, ...rest } = reportOf("plan", { dueAt: "2026-12-01T04:05:06.000Z" }, {});
    const forecast = { rotations: 1_200, perMinute: 960, durationMs: 75_000 };
    const page = renderReport({ ...rest, answer: { ...answer, forecast } });
    expect(page).toContain("2026-12-01 04:05");
    expect(page).toContain("1\u202f200 to rotate, 960 a minute, about 1 min 15 s");
  });

  it("failures says of each kind once what to do, the ones that may have left Redis and the secret apart first", () => {
    const untouched = describeError(new RotationError("AccessDenied", "ResetPassword", { effect: "none" }));
    const page = renderReport(
      reportOf(
        "rotate",
        { status: "failed", error: untouched },
        { status: "failed", error: error("Call 1") },
        { status: "failed", error: error("Call 2") },
      ),
    );
    const [, first = "", second = "", ...others] = page.split("<article");
    expect(others).toEqual([]);
    expect(first).toMatch(/StoreDenied.*2 secrets.*Call 1\..*1234-abcd.*Call 2\./s);
    expect(first.match(/Grant the function&#39;s role/g)).toHaveLength(1);
    expect(first).toContain("<code>redis-rotation verify</code>");
    expect(second).toMatch(/AccessDenied.*Nothing was changed/s);
  });

  it("a run that ended before its task did says that the exposure window may open", () => {
    const { answer, ...rest } = reportOf("rotate", { status: "in-progress" });
    const where = { secretId: "redis/0", instanceId: "crs-0", region: "ap-guangzhou" };
    const events = [{ at: AT + 9, event: { type: "sent", ...where, taskId: 7 } }] as const;
    expect(renderReport({ ...rest, answer, events })).toContain('<span class="open">may open</span>');
  });

  it("a whole fleet has timelines, figures, and what may still be open", async () => {
    const { report } = await fleetReport(12);
    const page = renderReport(report);
    expect(page).toContain("10 of 12 secrets rotated, 2 failed");
    expect(page).toMatch(/exposure window.*≤ [\d.]+ m?s<.*1 may still be open/s);
    expect(page).toContain('<span class="open">may be open</span>');
    expect(dataOf(page).secrets).toHaveLength(12);
    expect(page.match(/"knownMs"/g)).toHaveLength(11);
  });
});

describe("the page", () => {
  it("holds texts as texts, wherever they come from", () => {
    const text = `</script><img src=x onerror="hit()"><!--`;
    const hostile = { secretId: text, instanceId: text, region: text, versionId: text, dueAt: text };
    const page = renderReport(reportOf("plan", { ...hostile, status: "failed", error: error(text) }, {}));
    expect(page).not.toMatch(/<img|<!--/);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(dataOf(page).secrets[0]).toMatchObject(hostile);
  });

  it("allows its own style and script alone", () => {
    const page = renderReport(reportOf("status", {}));
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? "";
    const hash = (tag: string) => {
      const text = new RegExp(`<${tag}>(.*?)</`, "s").exec(page)?.[1] ?? "";
      return `&#39;sha256-${createHash("sha256").update(text).digest("base64")}&#39;`;
    };
    expect(policy.split("; ").slice(0, 3)).toEqual([
      "default-src &#39;none&#39;",
      `style-src ${hash("style")}`,
      `script-src ${hash('script type="module"')}`,
    ]);
    expect(policy).not.toContain("unsafe");
  });

  it("stays small: less than 60 kB without data", () => {
    expect(Buffer.byteLength(renderReport(reportOf("status", {})))).toBeLessThan(60_000);
  });

  it("is the same out of a bundle, which has no sources beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "report-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const outfile = join(folder, "report.mjs");
    const define = REPORT_PARTS;
    const entryPoints = ["handler/report/report.ts"];
    await build({
      entryPoints,
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      minify: true,
      define,
    });
    const bundled = (await import(pathToFileURL(outfile).href)) as { renderReport: typeof renderReport };
    const report = reportOf("status", {});
    expect(bundled.renderReport(report)).toBe(renderReport(report));
  });
});
