/** `localhost`, 127.0.0.0/8 and ::1, as a URL writes them. */
const LOOPBACK = /^(localhost|\[::1\]|127(\.\d+){3})$/;

/** Whether what is confidential may be sent there: over TLS, or without it to this machine alone. */
export function isConfidential({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
}
