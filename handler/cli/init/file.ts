import { closeSync, existsSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../exit.ts";
import { shellWord } from "../shell-word.ts";

/** For nobody but its owner: it holds a password. */
const PRIVATE = 0o600;

/** @throws UsageError before anybody is asked for anything */
export function requireFree(file: string): void {
  if (existsSync(file))
    throw new UsageError(`${file} is there already: delete it, or name another one with --out`);
}

/** Makes the file, and never overwrites one. Leaves no part of it behind. Returns its full path. @throws UsageError */
export function writePrivate(file: string, text: string): string {
  let made: number | undefined;
  try {
    made = openSync(file, "wx", PRIVATE);
    writeFileSync(made, text);
  } catch (error) {
    if (made !== undefined) unlinkSync(file);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") requireFree(file);
    throw new UsageError(`${file} cannot be written (${code}): name another one with --out`);
  } finally {
    if (made !== undefined) closeSync(made);
  }
  return resolve(file);
}

/** What the secret manager's own command reads: SSM's takes all its parameters from one file. */
export function fileText(store: string, SecretName: string, SecretString: string): string {
  const text = store === "ssm" ? JSON.stringify({ SecretName, SecretString }, undefined, 2) : SecretString;
  return `${text}\n`;
}

interface Written {
  /** `aws` or `ssm`. */
  readonly store: string;
  /** Of the secrets, where the environment tells. */
  readonly storeRegion: string | undefined;
  readonly file: string;
  readonly secretName: string;
  readonly region: string;
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean;
  readonly proven: boolean;
}

/** What was done, and what comes next. */
export function nextSteps(written: Written): string {
  const { file, secretName, region, host, port, ssl, proven, store, storeRegion } = written;
  const path = shellWord(file);
  const inRegion = storeRegion === undefined ? "" : `--region ${storeRegion} `;
  const create =
    store === "ssm"
      ? `tccli ssm CreateSecret --region ${storeRegion ?? region} --cli-input-json ${shellWord(`file://${file}`)}`
      : `aws secretsmanager create-secret ${inRegion}--name ${shellWord(secretName)} --secret-string ${shellWord(`file://${file}`)}`;
  const proof = proven ? `The password opens Redis at ${host}:${port}${ssl ? ", with TLS" : ""}.\n` : "";
  return `${proof}${file} holds the secret, and only you can read it. Next:

  ${create}
  rm ${path}
  redis-rotation doctor --store ${store} ${shellWord(secretName)}
`;
}
