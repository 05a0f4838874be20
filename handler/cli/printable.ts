/** What a terminal would obey, or show in another order: also what is neither, but breaks a line. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A text of others, of a cloud or in a name, as a terminal may have it. */
export function printable(text: string): string {
  return text.replace(OBEYED, "\ufffd");
}

/** The same for every text in an answer. */
export function printableIn<T>(value: T): T;
export function printableIn(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map((each) => printableIn(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, printableIn(each)]));
}

/** One document on lines of its own. JSON itself leaves some characters as they are that a terminal obeys. */
export function jsonText(document: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const lines = JSON.stringify(document, undefined, 2).split("\n");
  return `${lines.map((line) => line.replace(OBEYED, escaped)).join("\n")}\n`;
}
