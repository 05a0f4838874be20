import { describe, expect, it } from "vitest";
import { mask } from "../../lib/drivers/mask.ts";

describe("mask", () => {
  const secret = `Ab3&"<'+/%\\=é9-zZ`;
  const json = JSON.stringify(secret).slice(1, -1);

  it.each([
    ["as it is", secret],
    ["URL-encoded", encodeURIComponent(secret)],
    ["URL-encoded in lower case", encodeURIComponent(secret).toLowerCase()],
    ["URL-encoded twice", encodeURIComponent(encodeURIComponent(secret))],
    ["URL-encoded with its marks", encodeURIComponent(secret).replace(/'/g, "%27").replace(/-/g, "%2D")],
    ["in JSON", json],
    ["in JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["in JSON safe for HTML", json.replace(/&/g, "\\u0026").replace(/</g, "\\u003c")],
    [
      "in HTML",
      secret.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;").replace(/'/g, "&#39;"),
    ],
    ["in upper case", secret.toUpperCase()],
  ])("hides a secret %s", (_name, form) => {
    expect(mask(`before ${form} after`, [secret])).toBe("before *** after");
  });

  it("hides a secret that was cut short after eight characters or more", () => {
    expect(mask("value 'abcdEFGH12…' is bad", ["abcdEFGH1234+567"])).toBe("value '*** is bad");
  });

  it("hides each of several secrets, the longer first, and each time", () => {
    expect(mask("abc abcdef abc", ["abc", "abcdef"])).toBe("*** *** ***");
  });

  it("hides what looks like a signature", () => {
    expect(mask(`Signature=${"0a".repeat(32)}`, [])).toBe("Signature=***");
  });

  it("leaves a text without secrets alone, and takes no notice of empty ones", () => {
    expect(mask("The password breaks the rule.", ["", "p@ss-W0rd"])).toBe("The password breaks the rule.");
  });

  describe("hides every part of eight characters", () => {
    const key = "Gu5t9xGARNpq86cd98joQYCN3Cozk1qA";
    const special = "a/Q7~+;=&%$#@!x9<>Zk4-Lm_8";
    const parts = (text: string, length: number) =>
      Array.from({ length: text.length - length + 1 }, (_, start) => text.slice(start, start + length));
    const jsonIn = (text: string) => JSON.stringify(text).slice(1, -1);
    const html = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

    it.each<[string, (text: string) => string]>([
      ["as they are", (text) => text],
      ["in a URL", encodeURIComponent],
      ["in a URL in a URL", (text) => encodeURIComponent(encodeURIComponent(text))],
      ["in JSON", jsonIn],
      ["in HTML", html],
      ["in JSON in HTML", (text) => html(jsonIn(text))],
    ])("%s", (_, form) => {
      const shown = [key, special].flatMap((secret) =>
        parts(secret, 8).map((part) => mask(`It was '${form(part)}'.`, [secret])),
      );
      // What follows a secret's beginning is hidden with it.
      expect(shown.filter((text) => !/^It was '\*\*\*('\.)?$/.test(text))).toEqual([]);
    });

    it.each<[string, (text: string) => string]>([
      ["in base64", (text) => Buffer.from(text).toString("base64")],
      ["in base64, one byte later", (text) => Buffer.from(`x${text}yz`).toString("base64")],
      ["in base64, two bytes later", (text) => Buffer.from(`xy${text}`).toString("base64url")],
      ["in hexadecimal digits", (text) => Buffer.from(text).toString("hex")],
      ["in hexadecimal digits, in capitals", (text) => Buffer.from(text).toString("hex").toUpperCase()],
      ["of JSON in base64", (text) => Buffer.from(JSON.stringify({ text })).toString("base64")],
    ])("%s", (_, form) => {
      const shown = parts(key, 8).map((part) => [form(part), mask(`It was '${form(part)}'.`, [key])]);
      const left = shown.filter(([whole = "", masked = ""]) => {
        const [, before = "", after = ""] = /^It was '(.*)\*\*\*(.*)'\.$/.exec(masked) ?? [];
        return !masked.includes("***") || whole.length - before.length - after.length < 10;
      });
      expect(left).toEqual([]);
    });
  });

  it("shows nothing of a signature but what is less than half of it", () => {
    expect(mask(`'${"0a".repeat(16)}' '${"0b".repeat(15)}'`, [])).toBe(`'***' '${"0b".repeat(15)}'`);
    const inBase64 = Buffer.from(`Signature=${"9f86d081".repeat(8)}`).toString("base64");
    expect(mask(inBase64, [])).toMatch(/^.{0,16}\*\*\*=*$/);
  });

  it("leaves ids, names and what is escaped as it is", () => {
    const text =
      "Instance crs-5a4py64p in ap-guangzhou: 100&#37; of 5ca8a2a9-7d1c-4f66-8f5c-0f0e6d6d1b11, InvalidParameterValue";
    expect(mask(text, ["Gu5t9xGARNpq86cd98joQYCN3Cozk1qA"])).toBe(text);
  });
});
