import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseLambdaEvent } from "../../handler/events.ts";
import { FORMATS } from "../../lib/drivers/webhook-formats.ts";
import { type Notification, type Problem, textOf } from "../../lib/notification.ts";
import { parseNotifyConfig, type WebhookFormat } from "../../lib/notify-config.ts";
import { notificationWith } from "../fakes/notification.ts";

const page = await readFile("docs/notifications.md", "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text = ""]) => text);
const sample: Notification = JSON.parse(blocks("json notification")[0] ?? "");
/** The names in the first cells of the table with these headings. */
const namesUnder = (...headings: readonly string[]) => {
  const head = `| ${headings.join(" | ")} |\n`;
  const rows =
    page
      .slice(page.indexOf(head) + head.length)
      .split("\n\n")[0]
      ?.split("\n")
      .slice(1) ?? [];
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
};

describe("docs/notifications.md", () => {
  it("has a sample with every field of a notification, and a row for each", () => {
    const full = notificationWith({ taskId: 1, pendingSince: "2026-01-01T00:00:00.000Z" });
    expect(Object.keys(sample)).toEqual(Object.keys(full));
    expect(Object.keys(sample.summary)).toEqual(Object.keys(full.summary));
    const fields = new Set(sample.problems.flatMap((problem) => Object.keys(problem)));
    expect(fields).toEqual(new Set(Object.keys(full.problems[0] as Problem)));
    const rows = namesUnder("field", "meaning");
    expect(rows.sort()).toEqual(
      [...Object.keys(full), ...[...fields].map((name) => `problems[].${name}`)].sort(),
    );
  });

  it("has the text that this sample becomes", () => {
    expect(`${textOf(sample, { maxBytes: 16_000 })}\n`).toBe(blocks("text")[0]);
  });

  it("names every variable, with the defaults that it has", () => {
    const named = namesUnder("variable", "meaning");
    expect(named).toContain("NOTIFY_WEBHOOK_KEY");
    const refused = Object.fromEntries(named.map((name) => [name, "\u0000"]));
    const problems = (() => {
      try {
        return String(parseNotifyConfig(refused, "aws"));
      } catch (error) {
        return String(error);
      }
    })();
    for (const name of named.filter((each) => each !== "NOTIFY_WEBHOOK_SECRET_ID"))
      expect(problems).toContain(name);
    expect(page).toContain(`default ${parseNotifyConfig({}, "aws").stuckMs / 3_600_000} |`);
  });

  it("has a row for each format, and patterns of events that are JSON", () => {
    const formats = namesUnder("format", "request", "how it is signed", "taken where the answer has");
    expect(formats.sort()).toEqual((Object.keys(FORMATS) as WebhookFormat[]).sort());
    const patterns = blocks("json pattern").map((text) => JSON.parse(text));
    expect(patterns.map(({ source }) => source)).toEqual([["redis-rotation"], ["redis-rotation"]]);
  });

  it("verifies a signature by the lines that it shows, and nothing that was changed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "verify-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "verify.mjs");
    await writeFile(file, blocks("js verify")[0] ?? "");
    const { isGenuine } = await import(pathToFileURL(file).href);
    const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const nowMs = Date.UTC(2026, 0, 1);
    const url = new URL("https://hooks.example.com/");
    const { headers, body } = FORMATS.generic.request(sample, { url, key, nowMs });
    expect(isGenuine(headers, Buffer.from(body), key, nowMs)).toBe(true);
    expect(isGenuine(headers, Buffer.from(`${body} `), key, nowMs)).toBe(false);
    expect(isGenuine(headers, Buffer.from(body), key.replace("M", "N"), nowMs)).toBe(false);
    expect(isGenuine(headers, Buffer.from(body), key, nowMs + 301_000)).toBe(false);
    expect(isGenuine({}, Buffer.from(body), key, nowMs)).toBe(false);
  });

  it("is tried with an event that the function takes for one that nobody waits for", () => {
    const [, payload = ""] = /rotation '(\{.+\})'/.exec(page) ?? [];
    expect(parseLambdaEvent(JSON.parse(payload))).toMatchObject({
      kind: "queue",
      messages: [{ request: { action: "status", scheduled: true } }],
    });
  });
});
