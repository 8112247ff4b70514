import type { Browser } from "puppeteer";

export declare function launchChromium(): Promise<Browser>;
