/** What must not be found anywhere, by its kind. */
export const KINDS = [
  "Redis passwords",
  "secret keys of Tencent Cloud",
  "secret keys of AWS",
  "session tokens",
  "rotation tokens",
  "identity tokens",
  "signatures",
  "proxy passwords",
  "webhook addresses and keys",
  "other secrets",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Marks {
  /** What is shorter than eight characters is no secret, and is left out. */
  add(kind: Kind, ...secrets: readonly (string | undefined)[]): void;
  /** How many different ones there are. */
  count(kind: Kind): number;
  /** For the secrets that are known by now: which kinds of them a text holds. */
  search(): (text: string) => ReadonlySet<Kind>;
}

/** Of a secret as it is, and as URLs, JSON and HTML write it. */
const PART = 8;
/** Of its base64 and its hexadecimal digits; and of secrets that are hexadecimal digits themselves, which meet others by chance. */
const LONG_PART = 16;

/** Collects secrets, and finds them again: whole or in part, in whatever form. */
export function createMarks(): Marks {
  const kinds = new Map<string, Kind>();
  return {
    add(kind, ...secrets) {
      for (const secret of secrets) {
        if (secret !== undefined && secret.length >= PART && !kinds.has(secret)) kinds.set(secret, kind);
      }
    },
    count: (kind) => [...kinds.values()].filter((each) => each === kind).length,
    search() {
      const short = new Map<string, Kind>();
      const long = new Map<string, Kind>();
      for (const [secret, kind] of kinds) index(secret, kind, short, long);
      return (text) => {
        const found = new Set<Kind>();
        for (const reading of readings(text)) {
          scan(reading, PART, short, found);
          scan(reading, LONG_PART, long, found);
        }
        return found;
      };
    },
  };
}

type Parts = Map<string, Kind>;

function index(secret: string, kind: Kind, short: Parts, long: Parts): void {
  // There is one for each request. Parts side by side are found in all that is nearly twice as long.
  const step = kind === "signatures" ? LONG_PART : 1;
  const isHexadecimal = /^[0-9a-f-]+$/i.test(secret);
  if (isHexadecimal) takeParts(secret, LONG_PART, step, long, kind);
  else takeParts(secret, PART, kind === "signatures" ? PART : 1, short, kind);
  const hex = Buffer.from(secret).toString("hex");
  for (const form of [hex, hex.toUpperCase(), ...base64Forms(secret)]) {
    takeParts(form, LONG_PART, step, long, kind);
  }
}

function takeParts(text: string, length: number, step: number, parts: Parts, kind: Kind): void {
  for (let start = 0; start + length <= text.length; start += step) {
    parts.set(text.slice(start, start + length), kind);
  }
}

/** In both alphabets, wherever in a longer text it may have begun. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const [from, to] = [Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3)];
    return [bytes.toString("base64").slice(from, to), bytes.toString("base64url").slice(from, to)];
  });
}

function scan(text: string, length: number, parts: ReadonlyMap<string, Kind>, found: Set<Kind>): void {
  for (let start = 0; start + length <= text.length; start += 1) {
    const kind = parts.get(text.slice(start, start + length));
    if (kind !== undefined) found.add(kind);
  }
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const decoders: readonly ((text: string) => string)[] = [
  (text) =>
    text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString()),
  (text) =>
    text
      .replace(/\\u([0-9a-f]{4})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
      .replace(/\\(["\\/])/g, "$1"),
  (text) =>
    text
      .replace(/&#x([0-9a-f]+);/gi, (_, digits) => String.fromCodePoint(Number.parseInt(digits, 16)))
      .replace(/&#(\d+);/g, (_, digits) => String.fromCodePoint(Number(digits)))
      .replace(/&(\w+);/g, (entity, name) => NAMED[name] ?? entity),
];

/** The text as it is, and with what URLs, JSON and HTML escape written out: each by itself, and all of them, thrice. */
function readings(text: string): ReadonlySet<string> {
  const found = new Set([text, ...decoders.map((decode) => decode(text))]);
  let written = text;
  for (let depth = 0; depth < 3; depth += 1) {
    written = decoders.reduce((reading, decode) => decode(reading), written);
    found.add(written);
  }
  return found;
}
