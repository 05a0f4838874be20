import { URL, URLSearchParams } from "node:url";

export default { URL, URLSearchParams };
