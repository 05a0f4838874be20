import type { Document } from "./osls.ts";

type Line = Readonly<Record<string, unknown>>;

const TOKEN = /\s*(&&|\|\||[(){}]|NOT EXISTS|>=|=|"[^"]*"|\$\.\w+|\d+)/y;

/**
 * What a filter pattern of CloudWatch Logs for JSON says of a line: comparisons of one field with `=` and `>=`, `NOT EXISTS`,
 * `&&`, `||` and brackets (CloudWatch Logs User Guide, "Using filter patterns to match terms in JSON log events").
 */
export function matches(pattern: string, line: Line): boolean {
  const tokens = tokensOf(pattern);
  const take = (expected?: string): string => {
    const token = tokens.shift() ?? "the end";
    if (expected !== undefined && token !== expected)
      throw new Error(`${expected} is missing before ${token}`);
    return token;
  };
  const either = (): boolean => {
    let found = both();
    while (tokens[0] === "||") {
      take();
      found = both() || found;
    }
    return found;
  };
  const both = (): boolean => {
    let found = one();
    while (tokens[0] === "&&") {
      take();
      found = one() && found;
    }
    return found;
  };
  const one = (): boolean => {
    if (tokens[0] === "(") {
      take();
      const inner = either();
      take(")");
      return inner;
    }
    const value = line[take().replace("$.", "")];
    const operator = take();
    if (operator === "NOT EXISTS") return value === undefined;
    const operand: unknown = JSON.parse(take());
    return operator === "=" ? value === operand : typeof value === "number" && value >= Number(operand);
  };
  take("{");
  const result = either();
  take("}");
  return result;
}

function tokensOf(pattern: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < pattern.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(pattern)?.[1];
    if (token === undefined) throw new Error(`Not understood: ${pattern.slice(at)}`);
    tokens.push(token);
  }
  return tokens;
}

/** The values that a metric filter makes of these lines. */
export function valuesOf({ Properties }: Document, lines: readonly Line[]): unknown[] {
  const [{ MetricValue }] = Properties.MetricTransformations;
  return lines
    .filter((line) => matches(Properties.FilterPattern, line))
    .map((line) => (MetricValue.startsWith("$.") ? line[MetricValue.slice(2)] : Number(MetricValue)));
}
