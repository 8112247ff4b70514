import type { Browser } from "puppeteer-core";

export declare function launchChromium(): Promise<Browser>;
