import type { Kind, Marks } from "./marks.ts";

const FIELDS: Readonly<Record<string, Kind>> = {
  password: "Redis passwords",
  oldpassword: "Redis passwords",
  accountpassword: "Redis passwords",
  rotationtoken: "rotation tokens",
  webidentitytoken: "identity tokens",
  signature: "signatures",
  token: "session tokens",
  tmpsecretkey: "secret keys of Tencent Cloud",
};

/** Notes every secret of a request or an answer, by where it stands in it. */
export function note(marks: Marks, headers: Readonly<Record<string, string>>, body: string): string[] {
  const found: [Kind, string][] = [];
  for (const name of ["x-tc-token", "x-amz-security-token"]) {
    if (headers[name] !== undefined) found.push(["session tokens", headers[name]]);
  }
  const [, signature] = /Signature=([0-9a-f]+)/.exec(headers.authorization ?? "") ?? [];
  if (signature !== undefined) found.push(["signatures", signature]);
  visit(parsed(body), (name, text) => {
    const kind = FIELDS[name.toLowerCase()];
    if (kind !== undefined) found.push([kind, text]);
  });
  for (const [, token = ""] of body.matchAll(/<WebIdentityToken>([^<]+)</g)) {
    found.push(["identity tokens", token]);
  }
  for (const [kind, secret] of found) {
    // Its claims are known to many; the signature is what makes it a token.
    marks.add(kind, kind === "identity tokens" ? secret.split(".")[2] : secret);
  }
  return found.map(([, secret]) => secret);
}

/** Every text in it, also in JSON that is a text itself. */
function visit(value: unknown, onText: (name: string, text: string) => void, name = ""): void {
  if (typeof value === "string") {
    onText(name, value);
    if (/^\s*[{[]/.test(value)) visit(parsed(value), onText);
  } else if (typeof value === "object" && value !== null) {
    for (const [field, inside] of Object.entries(value)) visit(inside, onText, field);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return /^[\w.]+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  }
}
