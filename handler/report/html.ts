/** Markup that is put into a page as it is. */
export interface Html {
  readonly markup: string;
}

/** What may stand between tags: texts are escaped, and what is absent is nothing. */
export type Child = Html | string | number | false | undefined | readonly Child[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template of markup. Each value in it is escaped, as an element's text and between quotes alike, unless it is markup itself. */
export function html(parts: TemplateStringsArray, ...children: readonly Child[]): Html {
  return { markup: String.raw({ raw: parts }, ...children.map(render)) };
}

/** Data for a script. In JSON a `<` stands only within texts, where it may be written otherwise. */
export function json(value: unknown): Html {
  return { markup: JSON.stringify(value).replaceAll("<", "\\u003c") };
}

function render(child: Child): string {
  if (child === undefined || child === false) return "";
  if (typeof child === "string") return child.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
  if (typeof child === "number") return String(child);
  return "markup" in child ? child.markup : child.map(render).join("");
}
