// Who is given the URL gets what is served, and nobody else.

import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { servePage, type Served } from "../../../src/cli/browsers/serve.js";

let served: Served;
const said: string[] = [];
beforeAll(async () => {
  served = await servePage("<title>a page</title>", { report: (body) => `${said.push(body)}` });
});
afterAll(() => served.close());

/** `Host` is what a name that leads to this machine would be. */
function get(
  path: string,
  host = new URL(served.url).host,
  body = "",
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(served.url);
    const sent = request({ hostname, port, path, method: "POST", headers: { host } }, async (response) => {
      let text = "";
      for await (const part of response) text += String(part);
      resolve({ status: response.statusCode!, text });
    });
    sent.on("error", reject).end(body);
  });
}

const folder = () => new URL(served.url).pathname;

test("the page, and what stands beside it", async () => {
  expect(await get(folder())).toEqual({ status: 200, text: "<title>a page</title>" });
  expect(await get(`${folder()}report`, undefined, "one")).toEqual({ status: 200, text: "1" });
  expect(said).toEqual(["one"]);
});

test.each([
  ["without the folder", () => get("/report", undefined, "bad")],
  ["at the root", () => get("/")],
  ["under another name of this machine", () => get(`${folder()}report`, "evil.example", "bad")],
  ["for a file outside dist", () => get(`${folder()}dist/../package.json`)],
])("nothing %s", async (_, ask) => {
  expect(await ask()).toMatchObject({ status: 404 });
  expect(said).not.toContain("bad");
});
