/** Long enough to tell a quotation from a coincidence. */
const QUOTE_LENGTH = 8;
/** Nothing shows more of a cloud's text than its beginning. */
const MAX_TEXT_LENGTH = 4_096;
/** How often a text may have been escaped that was escaped before. */
const MAX_DEPTH = 3;

/**
 * Replaces every secret in the text by `***`: as it is, and as URLs, JSON and HTML write it, nested or mixed; and every
 * part of it from eight characters on, also in base64 or hexadecimal digits. Also replaces anything that looks like a
 * signature. What is behind the 4 096th character is left out.
 */
export function mask(text: string, secrets: Iterable<string>): string {
  const known = [...secrets].filter(Boolean).sort((a, b) => b.length - a.length);
  let masked = text.slice(0, MAX_TEXT_LENGTH);
  for (const secret of known) {
    const chars = Array.from(secret, anyForm);
    const start = chars.slice(0, QUOTE_LENGTH).join("");
    masked = masked.replace(new RegExp(`${chars.join("")}|${start}\\S*`, "gi"), "***");
  }
  return hideParts(masked, known);
}

/** Whether the text, as far as it can be shown, has anything that {@link mask} would replace. */
export function quotes(text: string, secrets: Iterable<string>): boolean {
  return mask(text, secrets) !== text.slice(0, MAX_TEXT_LENGTH);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
};
const CHARACTERS = new Map(Object.entries(ENTITIES).map(([char, name]) => [name, char]));

function anyForm(char: string): string {
  if (/^[A-Za-z0-9]$/.test(char)) return char;
  const codePoint = char.codePointAt(0) ?? 0;
  const hex = codePoint.toString(16).padStart(2, "0");
  const bytes = Array.from(Buffer.from(char), (byte) => `%(?:25)*${byte.toString(16).padStart(2, "0")}`);
  const entity = `&(?:amp;)*(?:#0*${codePoint}|#x0*${hex}|${ENTITIES[char] ?? "#"});`;
  const raw = char === "\\" ? "\\\\+" : `\\\\*${char.replace(/[^\p{L}\p{N}\s]/u, "\\$&")}`;
  return `(?:${bytes.join("")}|\\\\+u0*${hex}|\\\\+x${hex}|${entity}|${raw})`;
}

/** What a text says when it is read in one way, and where in the text each character stands. */
interface Reading {
  readonly plain: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function hideParts(text: string, secrets: readonly string[]): string {
  const parts = new Set<string>();
  for (const secret of secrets) {
    const lower = secret.toLowerCase();
    for (let start = 0; start + QUOTE_LENGTH <= lower.length; start += 1) {
      parts.add(lower.slice(start, start + QUOTE_LENGTH));
    }
  }
  const hidden = new Uint8Array(text.length);
  for (const { plain, from, to } of readingsOf(text)) {
    const hide = (start: number, end: number) => hidden.fill(1, from[start], to[end - 1]);
    const lower = plain.toLowerCase();
    for (let start = 0; start + QUOTE_LENGTH <= lower.length; start += 1) {
      if (parts.has(lower.slice(start, start + QUOTE_LENGTH))) hide(start, start + QUOTE_LENGTH);
    }
    // Of a signature nobody knows the text. Half of one is too much.
    for (const { index, 0: digits } of plain.matchAll(/(?<![0-9a-f])[0-9a-f]{32,}/gi)) {
      hide(index, index + digits.length);
    }
  }
  return Array.from({ length: text.length }, (_, index) =>
    hidden[index] === 0 ? text[index] : hidden[index - 1] === 1 ? "" : "***",
  ).join("");
}

function readingsOf(text: string): Reading[] {
  const places = Array.from({ length: text.length }, (_, index) => index);
  const readings: Reading[] = [];
  let next: Reading | undefined = { plain: text, from: places, to: places.map((place) => place + 1) };
  for (let depth = 0; next !== undefined && depth <= MAX_DEPTH; depth += 1) {
    for (const reading of [next, ...codesOf(next)]) {
      const written = unescaped(reading);
      readings.push(reading, ...(written === undefined ? [] : [written]));
    }
    next = unescaped(next);
  }
  return readings;
}

const ESCAPES =
  /%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\(["'\\/])|&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]+));/gi;

/** The same with what URLs, JSON and HTML escape written out once. Undefined: there is nothing. */
function unescaped({ plain, from, to }: Reading): Reading | undefined {
  const written = { plain: "", from: [] as number[], to: [] as number[] };
  const add = (char: string, start: number, end: number) => {
    written.plain += char;
    written.from.push(from[start] ?? 0);
    written.to.push(to[end - 1] ?? 0);
  };
  let at = 0;
  for (const { index, 0: whole, ...found } of plain.matchAll(ESCAPES)) {
    const hex = found[1] ?? found[2] ?? found[3] ?? found[6];
    const code = hex === undefined ? Number(found[5] ?? 0) : Number.parseInt(hex, 16);
    const char =
      found[4] ?? CHARACTERS.get(found[7] ?? "") ?? (code > 0 ? String.fromCharCode(code) : undefined);
    if (char === undefined) continue;
    for (; at < index; at += 1) add(plain[at] ?? "", at, at + 1);
    add(char, index, index + whole.length);
    at = index + whole.length;
  }
  if (at === 0) return undefined;
  for (; at < plain.length; at += 1) add(plain[at] ?? "", at, at + 1);
  return written;
}

const CODES = [
  { runs: /[\w+/-]{11,}/g, encoding: "base64", perByte: 4 / 3, shifts: [0, 1, 2, 3] },
  { runs: /[0-9a-f]{16,}/gi, encoding: "hex", perByte: 2, shifts: [0, 1] },
] as const;

/** What stands in base64 or hexadecimal digits, wherever it may have begun. */
function codesOf({ plain, from, to }: Reading): Reading[] {
  return CODES.flatMap(({ runs, encoding, perByte, shifts }) =>
    [...plain.matchAll(runs)].flatMap(({ index, 0: run }) =>
      shifts.map((shift) => {
        const bytes = Buffer.from(run.slice(shift), encoding);
        const start = index + shift;
        const last = index + run.length;
        const each = Array.from(bytes, (_, byte) => byte);
        return {
          plain: bytes.toString("latin1"),
          from: each.map((byte) => from[start + Math.floor(byte * perByte)] ?? 0),
          to: each.map((byte) => to[Math.min(last, start + Math.ceil((byte + 1) * perByte)) - 1] ?? 0),
        };
      }),
    ),
  );
}
