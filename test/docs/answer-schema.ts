import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

export const SCHEMA = JSON.parse(readFileSync("docs/schemas/answer.schema.json", "utf8"));

const validate = new Ajv2020({
  allErrors: true,
  formats: { "date-time": (text) => !Number.isNaN(Date.parse(text)) },
}).compile(SCHEMA);

/** What the published schema has to say against a document: nothing where it is as promised. */
export function problemsOf(document: unknown): string[] {
  if (validate(document)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
