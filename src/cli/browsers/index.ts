// Browsers and what they are served, in one module of dist/ for this project's scripts. It is no entry point of the
// package.

export { launchBrowser, type BrowserName } from "./launch.js";
export { servePage, type Route, type Served } from "./serve.js";
