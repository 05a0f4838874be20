import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEMO_FLEET } from "../../bench/demo-fleet.ts";
import { record, type Screen } from "../../bench/terminal-recording.ts";
import { drawScreens } from "../../bench/terminal-svg.ts";

const SIZE = { columns: 80, rows: 12 };

const textOf = ({ rows }: Screen) =>
  rows.map((spans) => spans.map(({ column, text }) => `${column}:${text}`).join(" ")).filter(Boolean);

/** What is there without animation, row by row: all but what CSS would have to move into sight. */
const stillOf = (svg: string) =>
  [...svg.replace(/<g transform=.*?<\/g>/g, "").matchAll(/<svg aria.*?<\/svg>/g)].map(([row]) =>
    [...row.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text).join("  "),
  );

// script(1) of macOS has other options.
const hasScript = existsSync("/usr/bin/script") && process.platform === "linux";

describe.runIf(hasScript)("the recording of a terminal", () => {
  it("has what is shown over time, with columns and colours", async () => {
    const screens = await record("printf one; sleep 1.3; printf '\\r\\033[1;32mtwo\\033[0m  ok'", SIZE);
    expect(screens[0] && textOf(screens[0])).toEqual([expect.stringMatching(/^0:\$ printf one/)]);
    expect(screens.some((screen) => textOf(screen).includes("0:one"))).toBe(true);
    const [one, two] = screens.slice(-2);
    // What it waited in between is cut down to one second.
    expect((two?.atMs ?? 0) - (one?.atMs ?? 0)).toBe(1_000);
    const last = two?.rows.at(1);
    expect(last).toEqual([
      { column: 0, text: "two", color: 2, bold: true, dim: false },
      { column: 5, text: "ok", bold: false, dim: false },
    ]);
  });

  it("gives the command a terminal of the size that is asked for", async () => {
    const screens = await record("stty size", SIZE);
    expect(screens.flatMap(textOf)).toContain("0:12 80");
  });

  it("shows nothing of the environment in which it is made", async () => {
    process.env.PICTURE_TEST_KEY = "not-to-be-seen";
    try {
      const screens = await record("printenv PICTURE_TEST_KEY TERM | cat", SIZE);
      expect(
        screens
          .at(-1)
          ?.rows.slice(1)
          .flat()
          .map(({ text }) => text),
      ).toEqual(["xterm-256color"]);
    } finally {
      delete process.env.PICTURE_TEST_KEY;
    }
  });

  it("fails where the command fails", async () => {
    await expect(record("echo broken && exit 3", SIZE)).rejects.toThrow(/ended with 3:\nbroken/);
  });

  it("refuses what could not be drawn as it is", async () => {
    await expect(record("printf '\\033[38;2;1;2;3mred\\033[0m'", SIZE)).rejects.toThrow('no way to draw "r"');
  });
});

describe("the picture of screens", () => {
  const span = (text: string, column = 0) => ({ column, text, bold: false, dim: false });
  const picture = drawScreens("a <title>", [
    { atMs: 0, rows: [[span("$ run")], []] },
    { atMs: 2_000, rows: [[span("$ run")], [span("working")], []] },
    { atMs: 4_000, rows: [[span("$ run")], [span("a < b", 3)], []] },
  ]);

  it("is the last screen where nothing moves", () => {
    expect(stillOf(picture)).toEqual(["$ run", "a &lt; b"]);
  });

  it("moves each row to what it shows at its time", () => {
    // Twelve seconds in all; the row is empty, then the third of its strip, then the first.
    expect(picture).toContain(
      "@keyframes r1{0%{transform:translateY(-38px)}16.67%{transform:translateY(-19px)}33.33%{transform:translateY(0px)}}",
    );
    expect(picture).not.toContain("@keyframes r0");
  });

  it("is no larger than what was ever written, and has its title", () => {
    expect(picture).toContain('viewBox="0 0 104 74"');
    expect(picture).toContain("<title>a &lt;title&gt;</title>");
  });
});

describe("docs/demo.svg", () => {
  const svg = readFileSync("docs/demo.svg", "utf8");
  const still = stillOf(svg);

  it("is small, and asks for nothing", () => {
    expect(svg.length).toBeLessThan(200_000);
    expect(svg).not.toMatch(/<script|<image|<foreignObject|href|url\(|@import|on\w+=/i);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:/);
  });

  it("ends with every instance of the demo, all proven", () => {
    for (const { instanceId, region } of DEMO_FLEET) {
      const row = new RegExp(`^${instanceId}  ${region}  timer  .*  \\d+ ms  old .*, new accepted$`);
      expect(still.filter((text) => row.test(text))).toHaveLength(1);
    }
    const { length } = DEMO_FLEET;
    expect(still.at(-1)).toMatch(new RegExp(`^${length} of ${length} rotations proven`));
  });
});
