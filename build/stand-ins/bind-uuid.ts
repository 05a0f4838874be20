import { randomUUID } from "node:crypto";

// The AWS SDK asks the global `crypto` first, which loads all of Web Crypto for the same random UUID.
export const bindV4 = () => randomUUID;
