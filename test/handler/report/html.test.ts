import { describe, expect, it } from "vitest";
import { html, json } from "../../../handler/report/html.ts";

const HOSTILE = `</script><img src=x onerror="alert('1')">&amp;`;

describe("html", () => {
  it("escapes a text, between tags and between quotes", () => {
    expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.markup).not.toMatch(/<img|"alert|onerror="/);
    expect(html`${`<>&"'`}`.markup).toBe("&lt;&gt;&amp;&quot;&#39;");
  });

  it("puts markup, numbers and lists in, and nothing for what is absent", () => {
    const items = ["a", "<"].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${0}${undefined}${false}`.markup).toBe("<ul><li>a</li><li>&lt;</li></ul>0");
  });

  it("leaves what a text says about replacing alone", () => {
    expect(html`<p>${"$& $1 \\u0041"}</p>`.markup).toBe("<p>$&amp; $1 \\u0041</p>");
  });
});

describe("json", () => {
  it("is the same data, and ends no script", () => {
    const data = { text: `${HOSTILE}<!--` };
    const { markup } = json(data);
    expect(markup).not.toContain("<");
    expect(JSON.parse(markup)).toEqual(data);
  });
});
