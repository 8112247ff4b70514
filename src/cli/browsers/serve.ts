// The built package over localhost, where a page may use WebGPU: elsewhere it needs https.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { AddressInfo } from "node:net";

/** The folder of the built package. */
export const DIST: string = join(
  dirname(createRequire(import.meta.url).resolve("segloss/package.json")),
  "dist",
);

/** Answers a request to its path: gets the body, gives the text. */
export type Route = (body: string) => string | Promise<string>;

export interface Served {
  /** Of the page. */
  url: string;
  close(): Promise<void>;
}

/** Serves a page, the modules of dist/ under `/dist/`, and what `routes` say. */
export async function servePage(html: string, routes: Record<string, Route> = {}): Promise<Served> {
  const server = createServer((request, response) => {
    answer(request, response, html, routes).catch((error: Error) =>
      response.writeHead(404).end(`${request.url}: ${error.message}`),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  html: string,
  routes: Record<string, Route>,
): Promise<void> {
  const { pathname } = new URL(request.url!, "http://localhost");
  const [, file] = /^\/dist\/([\w-]+\.js(?:\.map)?)$/.exec(pathname) ?? [];
  const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
  if (!route && !file && pathname !== "/") throw new Error("is not served");
  const content = route ? await route(await bodyOf(request)) : file ? await readFile(join(DIST, file)) : html;
  response.setHeader("content-type", file ? "text/javascript" : "text/html; charset=utf-8");
  response.end(content);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
