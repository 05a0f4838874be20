import { generate } from "selfsigned";

/** PEM texts of one throw-away authority and of one server that it vouches for. */
export interface Certificates {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

const FRESH = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

/** Makes a certificate for 127.0.0.1 and localhost, valid from now on, and the authority to trust for it. */
export async function createCertificates(): Promise<Certificates> {
  const authority = await generate([{ name: "commonName", value: "Local cloud" }], {
    ...FRESH,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: "localhost" }], {
    ...FRESH,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { ca: authority.cert, key: server.private, cert: server.cert };
}
