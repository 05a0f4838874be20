/** What the page tells of. @type {import("../report.ts").PageData} */
export const DATA = JSON.parse(document.getElementById("data")?.textContent ?? "");
