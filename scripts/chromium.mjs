// Chromium with WebGPU, as the built command launches it.

import { launchBrowser } from "../dist/browsers.js";

export const launchChromium = () => launchBrowser("chromium");
