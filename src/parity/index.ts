// What a page is given to run, in one module of dist/. It is no entry point of the package.

export { runInPage } from "./page.js";
export { pack, unpack } from "./wire.js";
