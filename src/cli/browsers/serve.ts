// The built package over localhost, where a page may use WebGPU: elsewhere it needs https.

import { randomUUID } from "node:crypto";
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

/** Longer than any report. */
const MOST_BODY_BYTES = 64 * 2 ** 20;

/**
 * Serves a page and, beside it, the modules of dist/ under `dist/` and what `routes` say. All of it under a path that
 * only who is given the URL knows: other pages and other users of this machine can reach the port, too.
 */
export async function servePage(html: string, routes: Record<string, Route> = {}): Promise<Served> {
  const folder = `/${randomUUID()}/`;
  let host = "";
  const server = createServer((request, response) => {
    const path =
      request.headers.host === host && request.url!.startsWith(folder) && request.url!.slice(folder.length);
    if (path === false) response.writeHead(404).end();
    else
      answer(path, request, response, html, routes).catch((error: Error) =>
        response.writeHead(404).end(`${path}: ${error.message}`),
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}${folder}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  html: string,
  routes: Record<string, Route>,
): Promise<void> {
  const [, file] = /^dist\/([\w-]+\.js(?:\.map)?)$/.exec(path) ?? [];
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route && !file && path !== "") throw new Error("is not served");
  const content = route ? await route(await bodyOf(request)) : file ? await readFile(join(DIST, file)) : html;
  response.setHeader("content-type", file ? "text/javascript" : "text/html; charset=utf-8");
  response.end(content);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw new Error(`expected at most ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
