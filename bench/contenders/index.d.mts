// What index.mjs gives, for TypeScript.

/** Who is to be held to what is wanted. */
export interface Applicant {
  name: string;
  kind: string;
  wanted(): unknown;
  open(): unknown;
}

export function admit(
  device: Pick<GPUDevice, "pushErrorScope" | "popErrorScope">,
  applicants: readonly Applicant[],
): Promise<{
  right: { name: string; error: number }[];
  wrong: { name: string; reason: string; tooLarge: boolean }[];
}>;
