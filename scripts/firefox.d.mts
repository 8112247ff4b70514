import type { Browser } from "puppeteer";

export declare function findFirefox(): string | undefined;
export declare function launchFirefox(executablePath: string): Promise<Browser>;
