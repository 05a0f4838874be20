import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawPlan, PAGES, renewPage, tabulatePlan } from "../../build/plan-pages.ts";
import { allViews, requireSameAsPlan, STATES, stateOf } from "../../build/plan-table.ts";
import { type Move, plan, type View } from "../../lib/rotation/plan.ts";

const read = (page: string) => readFileSync(page, "utf8");
const kindsIn = (page: string) =>
  [...read(page).matchAll(/<!-- plan: (\w+ \w+) -->/g)].map(([, kind]) => kind);

describe("the table of the plan", () => {
  it("says what the plan says, whatever is seen", () => {
    expect(() => requireSameAsPlan()).not.toThrow();
    expect(new Set(allViews().map((view) => JSON.stringify(view))).size).toBe(3 * 3 * 4 * 3 * 2);
  });

  it.each<[string, Partial<View>, Move]>([
    ["sent while a task runs", { task: "running" }, "setSecret"],
    ["finished without proof", { live: "unknown", task: "succeeded" }, "finishSecret"],
    ["given up although its password is live", { live: "pending" }, "fail"],
  ])("is refused where a plan differs: %s", (_, seen, move) => {
    const differs: typeof plan = (view, verify) =>
      Object.entries(seen).every(([part, value]) => view[part as keyof View] === value)
        ? move
        : plan(view, verify);
    expect(() => requireSameAsPlan(differs)).toThrow(`The plan's move is ${move} where the table says`);
  });

  it("brings each state but the first about, and ends where the plan is done or fails", () => {
    const reached = STATES.flatMap(({ brings }) =>
      brings.flatMap(({ view }) => [stateOf(view, "auth").name, stateOf(view, "task").name]),
    );
    expect(new Set(reached)).toEqual(
      new Set(STATES.map(({ name }) => name).filter((name) => name !== "nothing")),
    );
    for (const { move, brings } of STATES)
      expect(brings.length === 0).toBe(move === "done" || move === "fail");
  });
});

describe("the pages with the plan", () => {
  it.each(PAGES)("%s has it as it is: `npm run diagram` writes it", (page) => {
    expect(kindsIn(page)).toHaveLength(1);
    expect(renewPage(read(page))).toBe(read(page));
  });

  it("are the README with a diagram and the reference with a table, in both languages", () => {
    expect(PAGES.flatMap(kindsIn)).toEqual(["diagram en", "diagram zh", "table en", "table zh"]);
  });

  it("are found to be old where a word of the plan has changed", () => {
    const old = read("README.md").replace("createSecret: store", "createSecret: draw");
    expect(renewPage(old)).not.toBe(old);
  });
});

describe.each(["en", "zh"] as const)("the words of the plan (%s)", (language) => {
  it("have nothing in them that Mermaid or a table would read as its own", () => {
    const lines = drawPlan(language).split("\n").slice(2, -1);
    for (const line of lines)
      expect(line).toMatch(/^ {4}(state "[^";:#]+" as \w+|\w+ : [^";#]+|\S+ --> \S+( : [^";:#]+)?)$/);
    for (const row of tabulatePlan(language).split("\n")) expect(row).toMatch(/^\|[^|]+\|[^|]+\|$/);
  });
});
