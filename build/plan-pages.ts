/** Writes the plan into the pages that show it, as a state diagram and as a table: `npm run diagram`. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Verify } from "../lib/rotation/plan.ts";
import { type Language, requireSameAsPlan, STATES, stateOf } from "./plan-table.ts";

const HEAD = { en: "| what is seen | next |", zh: "| 观察到 | 下一步 |" };
const ELSE = { en: "none of these: ", zh: "以上都不是：" };
const DUE = { en: "a rotation is due", zh: "到期" };
const MARK = /<!-- plan: (diagram|table) (en|zh) -->\n[\s\S]*?<!-- end of plan -->/g;

/** Pages with a part between `<!-- plan: diagram en -->` and `<!-- end of plan -->`, or of another kind or language. */
export const PAGES = ["README.md", "README.zh-CN.md", "docs/rotation.md", "docs/reference.zh-CN.md"];

/** What there is to see, as Mermaid draws it: a box for what is seen with the move that follows, an arrow for what it brings. */
export function drawPlan(language: Language): string {
  requireSameAsPlan();
  const boxes = STATES.flatMap(({ name, seen, next }) => [
    `    state "${seen[language]}" as ${name}`,
    `    ${name} : ${next[language]}`,
  ]);
  const arrows = STATES.flatMap(({ name, brings, move }) => {
    if (move === "done" || move === "fail") return [`    ${name} --> [*]`];
    return brings.flatMap(({ says, view }) => {
      const verifies: readonly Verify[] = ["auth", "task"];
      const targets = new Set(verifies.map((verify) => stateOf(view, verify).name));
      return [...targets].map((target) => `    ${name} --> ${target} : ${says[language]}`);
    });
  });
  const start = `    [*] --> ${stateOf({ live: "unknown", instance: "running" }, "auth").name} : ${DUE[language]}`;
  return ["```mermaid", "stateDiagram-v2", ...boxes, start, ...arrows, "```"].join("\n");
}

export function tabulatePlan(language: Language): string {
  requireSameAsPlan();
  const rows = STATES.map((state) => {
    const seen = `${state === STATES.at(-1) ? ELSE[language] : ""}${state.seen[language]}`;
    return `| ${seen} | ${state.next[language]} |`;
  });
  return [HEAD[language], "| --- | --- |", ...rows].join("\n");
}

/** A page with the plan as it is now. */
export function renewPage(text: string): string {
  return text.replace(MARK, (_part, kind: "diagram" | "table", language: Language) => {
    const plan = kind === "diagram" ? drawPlan(language) : tabulatePlan(language);
    return `<!-- plan: ${kind} ${language} -->\n${plan}\n<!-- end of plan -->`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of PAGES) await writeFile(page, renewPage(await readFile(page, "utf8")));
}
