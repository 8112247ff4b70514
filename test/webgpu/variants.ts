// The variants of the kernels that plans ask for: of three classes, one for each text that a kernel may have.

import { checkShape, checkSpec, type LossSpec, type Shape, type TargetType } from "../../src/spec.js";
import { makePlan } from "../../src/webgpu/plan.js";
import type { Profile } from "../../src/webgpu/profile.js";
import type { PlanLimits, PlanRequest } from "../../src/webgpu/request.js";
import { kernelSource } from "../../src/webgpu/source.js";
import type { KernelName, Variant } from "../../src/webgpu/variant.js";

export const REQUEST: PlanRequest = {
  targets: "u8",
  logits: "f32",
  gradient: "f32",
  inPlace: false,
  accumulate: false,
  lossMap: false,
  perClass: false,
  argmax: false,
  confusion: false,
  callersResult: false,
  pixelWeights: false,
  gradOutputMap: false,
  alignment: 4,
  targetsBeginWords: true,
  bindable: true,
  copyable: true,
  separate: false,
};

export const PROFILE: Profile = {
  workgroupSize: 8,
  groupsPerThread: 2,
  maxClassesOfFour: 8,
  maxClassesKept: 64,
  fourBeyondKept: false,
  sum: "workgroup",
  near: false,
  putsOff: false,
  bindsWindows: false,
  stagesChannelsLast: false,
};

export const LIMITS = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupsPerDimension: 65535,
};

/** How a call stores its logits and what becomes of the gradient. */
const STORAGE: Partial<PlanRequest>[] = (["f32", "f16"] as const).flatMap((logits) => [
  { logits, gradient: false },
  { logits, gradient: logits, inPlace: true },
  ...(["f32", "f16"] as const).flatMap((gradient) => [
    { logits, gradient },
    { logits, gradient, accumulate: true },
  ]),
]);

const EVERYTHING = { lossMap: true, argmax: true, perClass: true, confusion: true, callersResult: true };

interface Choice {
  spec: LossSpec;
  shape?: Shape;
  request?: Partial<PlanRequest>;
  profile?: Partial<Profile>;
  limits?: Partial<PlanLimits>;
}

/** Planes that neither windows nor copies are for. */
const BEYOND: Choice = {
  spec: {},
  shape: [1, 3, 4096],
  limits: { maxStorageBufferBindingSize: 20_000, maxStorageBuffersPerShaderStage: 5 },
};

const SWEPT: Choice[] = [
  ...([0, 0.1] as const).flatMap((labelSmoothing) =>
    STORAGE.flatMap((storage) =>
      ([1, 4] as const).flatMap((alignment) =>
        [{}, { near: true, putsOff: true }, { maxClassesKept: 0 }].map((profile) => ({
          ...BEYOND,
          spec: { labelSmoothing },
          request: { ...storage, alignment, copyable: false },
          profile,
        })),
      ),
    ),
  ),
  ...(["logits", "probabilities"] as const).flatMap((from) =>
    (["u8", "f32"] as const).map((targets) => ({
      ...BEYOND,
      spec: { from },
      request: { targets, copyable: false },
    })),
  ),
];

/** Every choice with every other where they meet in one text, and alone where they do not. */
const CHOICES: Choice[] = (["softmax", "sigmoid"] as const).flatMap((family) => {
  const base = { spec: { family } };
  const losses = (["logits", "probabilities"] as const).flatMap((from) =>
    [0, 0.1].flatMap((labelSmoothing) =>
      (["u8", "f32"] as const).map((targets) => ({ spec: { family, from, labelSmoothing }, targets })),
    ),
  );
  return [
    ...losses.flatMap(({ spec, targets }) =>
      STORAGE.flatMap((storage) =>
        ([1, 4] as const).flatMap((alignment) =>
          [0, 64].map((maxClassesKept) => ({
            spec,
            request: { ...storage, targets, alignment },
            profile: { maxClassesKept },
          })),
        ),
      ),
    ),
    ...(["u8", "u16", "i32", "u32", "i64", "f32"] satisfies TargetType[]).flatMap((targets) =>
      [{}, EVERYTHING].map((outputs) => ({
        spec: { family, reduction: "weighted-mean" } as const,
        request: { ...outputs, targets },
      })),
    ),
    { ...base, profile: { sum: "threads" as const } },
    ...STORAGE.flatMap((request) =>
      [0, 64].map((maxClassesKept) => ({
        ...base,
        request,
        profile: { maxClassesKept, near: true, putsOff: true },
      })),
    ),
    { spec: { family, gamma: 0.5 } },
    ...STORAGE.flatMap((request) =>
      [0, 64].map((maxClassesKept) => ({
        spec: { family, layout: "channels-last" } as const,
        request,
        profile: { maxClassesKept, stagesChannelsLast: true },
      })),
    ),
    { spec: { family, classWeights: [1, 2, 3] } },
    { ...base, shape: [2, 3, 8] },
    ...STORAGE.flatMap((request) =>
      ([1, 4] as const).map((alignment) => ({
        ...base,
        shape: [1, 3, 4096],
        request: { ...request, alignment },
        profile: { bindsWindows: true },
        limits: { maxStorageBufferBindingSize: 20_000 },
      })),
    ),
    ...(family === "softmax" ? SWEPT : []),
    ...([{ pixelWeights: true }, { gradOutputMap: true }, { targetsBeginWords: false }] as const).map(
      (request) => ({ ...base, request }),
    ),
    { spec: { family, reduction: "weighted-mean" }, request: { pixelWeights: true } },
    { ...base, spec: { family, reduction: "weighted-mean" }, profile: { sum: "threads" as const } },
  ];
});

export interface Source {
  name: KernelName;
  variant: Variant;
  code: string;
}

/** Each different text once. */
export const SOURCES: Source[] = [
  ...new Map(
    CHOICES.flatMap(({ spec, shape = [1, 3, 8], request, profile, limits }) => {
      const checked = checkSpec(spec);
      const extent = checkShape(checked, shape);
      const plan = makePlan(
        checked,
        extent,
        { ...REQUEST, ...request },
        { ...PROFILE, ...profile },
        { ...LIMITS, ...limits },
      );
      return plan.kernels.map((name): Source => {
        const { variant } = plan;
        return { name, variant, code: kernelSource(name, variant) };
      });
    }).map((source) => [source.code, source]),
  ).values(),
];

/** A source in a few words, for what is wrong with it. */
export function titleOf({ name, variant: { windows, ...variant } }: Source): string {
  const cut = Object.entries(windows).map(([array, { count }]) => [array, `in ${count}`] as const);
  const said = [...Object.entries(variant).filter(([, value]) => value !== false), ...cut];
  return `${name} of ${said.map(([key, value]) => (value === true ? key : `${key} ${value}`)).join(", ")}`;
}
