export declare function pack(value: unknown): string;
export declare function unpack(text: string): unknown;
