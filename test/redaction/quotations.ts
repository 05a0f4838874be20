import type { Answer, Relayed } from "./relay.ts";

/** The ways in which a cloud may quote a request. */
export const QUOTATIONS: Readonly<Record<string, (request: Relayed) => string>> = {
  "as it is": whole,
  "its secrets alone": ({ secrets }) => secrets.map((secret) => `'${secret}'`).join(" "),
  "in parts": ({ secrets }) =>
    secrets.map((secret) => (secret.match(/.{1,11}/g) ?? []).join(" … ")).join(" / "),
  "cut off in front": ({ secrets }) => secrets.map((secret) => `…${secret.slice(5)}`).join(" "),
  "in a URL": (request) => encodeURIComponent(whole(request)),
  "in JSON in JSON": (request) => JSON.stringify(JSON.stringify(whole(request))),
  "in HTML": (request) => whole(request).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  "in base64": (request) => Buffer.from(whole(request)).toString("base64"),
  "in hexadecimal digits": (request) => Buffer.from(whole(request)).toString("hex"),
  "as AWS does where a signature is wrong": ({ headers, body }) => {
    const signed = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
    return (
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
      "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request " +
      `should have been\n'POST\n/\n\n${signed.join("\n")}\n\n${Object.keys(headers).join(";")}\n${body}'`
    );
  },
};

/** What is worth most comes first: the product shows the beginning. */
function whole({ secrets, headers, body }: Relayed): string {
  return `${secrets.join(" ")} ${body} ${JSON.stringify(headers)}`;
}

const json = (content: unknown, status = "200 OK", headers = "") =>
  http(JSON.stringify(content), status, `Content-Type: application/json\r\n${headers}`);

export function http(body: string, status = "200 OK", headers = ""): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

/** A header, a reason or an id is one line. */
const line = (text: string) => text.replace(/[^\x21-\x7e]+/g, "_").slice(0, 2_000);

/** Tencent Cloud has one status for everything. */
const refusalStatus = ({ headers }: Relayed) => (headers["x-amz-date"] ? "400 Bad Request" : "200 OK");

const REQUEST_ID = "5ca8a2a9-7d1c-4f66-8f5c-0f0e6d6d1b11";

/** How each of the interfaces tells an error with a code. */
export const ERRORS = {
  "API 3.0": (Code: string, Message: string): Answer =>
    json({ Response: { Error: { Code, Message }, RequestId: REQUEST_ID } }),
  "API 2.0": (code: string, message: string): Answer =>
    json({ code: Number(code), message, codeDesc: "Refused" }),
  AWS: (name: string, Message: string): Answer =>
    json(
      { __type: name, Message, message: Message },
      "400 Bad Request",
      `x-amzn-ErrorType: ${line(name)}\r\n`,
    ),
  "AWS STS": (name: string, message: string): Answer => {
    const text = message.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
    const error = `<Error><Type>Sender</Type><Code>${name}</Code><Message>${text}</Message></Error>`;
    return http(
      `<ErrorResponse>${error}<RequestId>${REQUEST_ID}</RequestId></ErrorResponse>`,
      "403 Forbidden",
    );
  },
} as const;
export type Interface = keyof typeof ERRORS;

/** Quotations where no text is expected, and what is no answer at all. */
export const ODDITIES: Readonly<Record<string, (quoted: string, request: Relayed) => Answer>> = {
  "a body that is not JSON": (quoted) => http(`<html>${quoted}</html>`),
  "JSON that breaks off": (quoted) => http(`{"Response":{"Password":${JSON.stringify(quoted).slice(0, -1)}`),
  "JSON of another shape": (quoted) => json([quoted, { [quoted]: quoted }]),
  "the password in place of every field": (quoted, { secrets }) => {
    const fields = [
      "TaskId",
      "RequestId",
      "Status",
      "ARN",
      "VersionId",
      "SecretString",
      "InstanceSet",
      "Tasks",
    ];
    const answer = Object.fromEntries(fields.map((field) => [field, secrets.join("") || quoted]));
    return json({ ...answer, Response: answer, code: 0, data: answer });
  },
  "HTTP 500": (quoted) => http(quoted, "500 Internal Server Error"),
  "HTTP 403 with a reason": (quoted) => http(quoted, `403 ${line(quoted)}`),
  "HTTP 429": (quoted) => http(quoted, `429 ${line(quoted)}`),
  "a redirect": (quoted) =>
    http(
      "",
      "307 Temporary Redirect",
      `Location: http://127.0.0.1:9/?${encodeURIComponent(line(quoted))}\r\n`,
    ),
  "a status line that is none": (quoted) => `HTTP/1.1 ${line(quoted)}\r\n\r\n`,
  "no HTTP": (quoted) => `${quoted}\r\n`,
  "a header that is none": (quoted) => `HTTP/1.1 200 OK\r\n${quoted.replaceAll(":", "")}\r\n\r\n`,
  "a body that breaks off": (quoted) => `HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n${quoted}`,
  "the request as a request id": (quoted, request) =>
    json(
      {
        Response: { Error: { Code: "InternalError", Message: "-" }, RequestId: quoted },
        __type: "InternalServiceError",
      },
      refusalStatus(request),
      `x-amzn-RequestId: ${line(quoted)}\r\n`,
    ),
  "the request as a code": (quoted, request) => {
    const Response = { Error: { Code: quoted, Message: "-" }, RequestId: REQUEST_ID };
    const others = { __type: quoted, codeDesc: quoted, code: 4000, message: "-" };
    return json({ Response, ...others }, refusalStatus(request), `x-amzn-ErrorType: ${line(quoted)}\r\n`);
  },
  "a reset": () => "reset",
};
