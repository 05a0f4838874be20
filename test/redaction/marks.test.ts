import { describe, expect, it } from "vitest";
import { createMarks, type Kind } from "./marks.ts";

const PASSWORD = `p/Q7~+;=&%$#@!x9"\\'<é>Zk4-Lm_8`;
const KEY = "Gu5t9xGARNpq86cd98joQYCN3Cozk1qA";
const TOKEN = "5c9a0b1e-3f77-4a0e-9d2c-1b8f6e4d7a90";
const SIGNATURE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const marks = createMarks();
marks.add("Redis passwords", PASSWORD);
marks.add("secret keys of AWS", KEY);
marks.add("rotation tokens", TOKEN);
marks.add("signatures", SIGNATURE);
const found = marks.search();
const inLine = (text: string) => [...found(`{"level":30,"msg":"before ${text} after"}`)];

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const html = (text: string) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const hex = (text: string) => Buffer.from(text).toString("hex");

const FORMS: readonly (readonly [string, (text: string) => string])[] = [
  ["as it is", (text) => text],
  ["in a URL", encodeURIComponent],
  [
    "in a URL, in lower case",
    (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  ],
  ["in a form", (text) => new URLSearchParams([["Password", text]]).toString()],
  ["in a URL in a URL", (text) => encodeURIComponent(encodeURIComponent(text))],
  ["in JSON", json],
  ["in JSON in JSON", (text) => json(json(text))],
  ["in JSON safe for HTML", (text) => json(text).replace(/&/g, "\\u0026").replace(/</g, "\\u003c")],
  ["in HTML", html],
  ["in JSON in HTML", (text) => html(json(text))],
  ["in base64", base64],
  ["in base64, one byte later", (text) => base64(`x${text}yz`)],
  ["in base64, two bytes later", (text) => base64(`xy${text}z`)],
  ["in base64 for URLs", (text) => Buffer.from(`xy${text}z`).toString("base64url")],
  ["in hexadecimal digits", hex],
  ["in hexadecimal digits, in capitals", (text) => hex(text).toUpperCase()],
];

describe("the search", () => {
  it.each(FORMS)("finds each kind of secret %s", (_, form) => {
    const expected: [string, Kind][] = [
      [PASSWORD, "Redis passwords"],
      [KEY, "secret keys of AWS"],
      [TOKEN, "rotation tokens"],
      [SIGNATURE, "signatures"],
    ];
    for (const [secret, kind] of expected) expect(inLine(form(secret))).toEqual([kind]);
  });

  it.each(FORMS.slice(0, 10))("finds every part of eight characters %s", (_, form) => {
    const missed = Array.from({ length: PASSWORD.length - 7 }, (_, start) =>
      inLine(form(PASSWORD.slice(start, start + 8))),
    ).filter(([kind]) => kind !== "Redis passwords");
    expect(missed).toEqual([]);
  });

  it.each(FORMS.slice(10))("finds every part of fourteen characters %s", (_, form) => {
    const missed = Array.from({ length: KEY.length - 13 }, (_, start) =>
      inLine(form(KEY.slice(start, start + 14))),
    ).filter(([kind]) => kind !== "secret keys of AWS");
    expect(missed).toEqual([]);
  });

  it("finds half a signature", () => {
    const missed = Array.from({ length: 33 }, (_, start) =>
      inLine(SIGNATURE.slice(start, start + 32)),
    ).filter(([kind]) => kind !== "signatures");
    expect(missed).toEqual([]);
  });

  it("finds nothing where there is nothing, also where eight hexadecimal digits are the same", () => {
    expect(
      inLine(`${KEY.slice(0, 7)} ${SIGNATURE.slice(0, 15)} ${TOKEN.slice(0, 8)} 50% off &amp; \\u00e9`),
    ).toEqual([]);
  });

  it("leaves out what is too short to be told from others, and counts the rest", () => {
    marks.add("proxy passwords", "short", undefined, "long-enough", "long-enough");
    expect(marks.count("proxy passwords")).toBe(1);
  });
});
