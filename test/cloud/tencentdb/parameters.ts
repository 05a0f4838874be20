import { ApiError } from "./api-error.ts";

interface Types {
  string: string;
  integer: number;
  boolean: boolean;
  strings: readonly string[];
  integers: readonly number[];
  objects: readonly Readonly<Record<string, unknown>>[];
}
type Kind = keyof Types;

/** The parameters that an action knows; `!` marks the required ones. */
export type ParameterSpec = Readonly<Record<string, Kind | `${Kind}!`>>;

export type ParameterValues<S extends ParameterSpec> = {
  readonly [Name in keyof S]: S[Name] extends `${infer Required extends Kind}!`
    ? Types[Required]
    : S[Name] extends Kind
      ? Types[S[Name]] | undefined
      : never;
};

/** Checks names, presence and types; `fromQuery` reads the text forms of GET (`Limit=20`, `TaskTypes.0=007`). */
export function readParameters<S extends ParameterSpec>(
  spec: S,
  given: Readonly<Record<string, unknown>>,
  fromQuery: boolean,
): ParameterValues<S> {
  const parameters = fromQuery ? gatherLists(given) : given;
  for (const name of Object.keys(parameters)) {
    if (!Object.hasOwn(spec, name)) {
      throw new ApiError("UnknownParameter", `The parameter \`${name}\` is not recognized.`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, marked] of Object.entries(spec)) {
    const value = parameters[name] ?? undefined;
    if (value === undefined) {
      if (!marked.endsWith("!")) continue;
      throw new ApiError("MissingParameter", `The request is missing a required parameter \`${name}\`.`);
    }
    const read = readValue(marked.replace("!", "") as Kind, value, fromQuery);
    if (read === undefined) {
      throw new ApiError("InvalidParameter", `The value type of parameter \`${name}\` is not valid.`);
    }
    values[name] = read;
  }
  return values as ParameterValues<S>;
}

function readValue(kind: Kind, value: unknown, fromQuery: boolean): unknown {
  switch (kind) {
    case "string":
      return typeof value === "string" ? value : undefined;
    case "integer": {
      const number = fromQuery && typeof value === "string" && value !== "" ? Number(value) : value;
      return Number.isSafeInteger(number) ? number : undefined;
    }
    case "boolean":
      if (fromQuery) return value === "true" ? true : value === "false" ? false : undefined;
      return typeof value === "boolean" ? value : undefined;
    case "objects": {
      const isObject = (each: unknown) => typeof each === "object" && each !== null && !Array.isArray(each);
      return Array.isArray(value) && value.every(isObject) ? value : undefined;
    }
    case "strings":
    case "integers": {
      if (!Array.isArray(value)) return undefined;
      const element = kind === "strings" ? "string" : "integer";
      const read = value.map((each: unknown) => readValue(element, each, fromQuery));
      return read.includes(undefined) ? undefined : read;
    }
  }
}

function gatherLists(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const gathered: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const [, name, index] = /^(\w+)\.(\d+)$/.exec(key) ?? [];
    if (name === undefined || index === undefined) {
      gathered[key] = value;
      continue;
    }
    const before = gathered[name];
    gathered[name] = Array.isArray(before) ? [...before, value] : [value];
  }
  return gathered;
}
