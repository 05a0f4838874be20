import { password as askPassword, isCancel } from "@clack/prompts";
import { UsageError } from "../exit.ts";

/** Far more than any password of TencentDB. */
const MOST_BYTES = 4_096;

/** Never from an argument or a variable: others on the machine see those. @throws UsageError */
export async function readPassword(
  { passwordStdin }: { readonly passwordStdin?: true },
  question: string,
): Promise<string> {
  const { stdin, stderr } = process;
  if (passwordStdin) return lineOf(await readAll(stdin));
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new UsageError("nobody can be asked for the password here: give it with --password-stdin");
  }
  // Its length is nobody's business either.
  const given = await askPassword({ message: question, mask: "", output: stderr, withGuide: false });
  if (isCancel(given)) throw new UsageError("no password was given: nothing was written");
  return lineOf(given);
}

/** Without the line's end, which is none of the password. */
function lineOf(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  if (line === "") throw new UsageError("the password is empty");
  if (/[\r\n]/.test(line)) throw new UsageError("the password has more than one line");
  return line;
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new UsageError("standard input holds more than a password");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
