// Source: the WGSL of each kernel and what it binds. A kernel is a prelude of constants, the declarations of its arrays,
// library files and one entry file, joined as text; WGSL declarations may come in any order.

import channelsKernel from "../../shaders/channels.wgsl?raw";
import classesKernel from "../../shaders/classes.wgsl?raw";
import countKernel from "../../shaders/count.wgsl?raw";
import divideKernel from "../../shaders/divide.wgsl?raw";
import finishKernel from "../../shaders/finish.wgsl?raw";
import gradientsSweep from "../../shaders/gradients.wgsl?raw";
import guardedSweep from "../../shaders/guarded.wgsl?raw";
import hard from "../../shaders/hard.wgsl?raw";
import allGuarded from "../../shaders/lib/all_guarded.wgsl?raw";
import atOnce from "../../shaders/lib/at_once.wgsl?raw";
import blocks from "../../shaders/lib/blocks.wgsl?raw";
import carried from "../../shaders/lib/carried.wgsl?raw";
import carriedHard from "../../shaders/lib/carried_hard.wgsl?raw";
import carriedProbabilities from "../../shaders/lib/carried_probabilities.wgsl?raw";
import carriedSeen from "../../shaders/lib/carried_seen.wgsl?raw";
import carriedSoft from "../../shaders/lib/carried_soft.wgsl?raw";
import classResult from "../../shaders/lib/class_result.wgsl?raw";
import classTable from "../../shaders/lib/class_table.wgsl?raw";
import classTargetsHard from "../../shaders/lib/class_targets_hard.wgsl?raw";
import classTargetsSoft from "../../shaders/lib/class_targets_soft.wgsl?raw";
import countsOf1 from "../../shaders/lib/counts_of_1.wgsl?raw";
import countsOf4 from "../../shaders/lib/counts_of_4.wgsl?raw";
import curve from "../../shaders/lib/curve.wgsl?raw";
import direct from "../../shaders/lib/direct.wgsl?raw";
import element from "../../shaders/lib/element.wgsl?raw";
import elementLabels from "../../shaders/lib/element_labels.wgsl?raw";
import elementLabelsLanes from "../../shaders/lib/element_labels_lanes.wgsl?raw";
import elementTargets from "../../shaders/lib/element_targets.wgsl?raw";
import elementTargetsLanes from "../../shaders/lib/element_targets_lanes.wgsl?raw";
import factors from "../../shaders/lib/factors.wgsl?raw";
import finite from "../../shaders/lib/finite.wgsl?raw";
import finiteF16x1 from "../../shaders/lib/finite_f16_1.wgsl?raw";
import finiteF16x2 from "../../shaders/lib/finite_f16_2.wgsl?raw";
import finiteF32 from "../../shaders/lib/finite_f32.wgsl?raw";
import finiteHalves from "../../shaders/lib/finite_halves.wgsl?raw";
import gradientAtOnce from "../../shaders/lib/gradient_at_once.wgsl?raw";
import gradientCarried from "../../shaders/lib/gradient_carried.wgsl?raw";
import gradientF16x1 from "../../shaders/lib/gradient_f16_1.wgsl?raw";
import gradientF16x2 from "../../shaders/lib/gradient_f16_2.wgsl?raw";
import gradientF32 from "../../shaders/lib/gradient_f32.wgsl?raw";
import guardedAtOnce from "../../shaders/lib/guarded_at_once.wgsl?raw";
import guardedCarried from "../../shaders/lib/guarded_carried.wgsl?raw";
import halves from "../../shaders/lib/halves.wgsl?raw";
import imageOfBlock from "../../shaders/lib/image_of_block.wgsl?raw";
import imageOfPixel from "../../shaders/lib/image_of_pixel.wgsl?raw";
import inPlaceF16 from "../../shaders/lib/in_place_f16.wgsl?raw";
import inPlaceF32 from "../../shaders/lib/in_place_f32.wgsl?raw";
import kind from "../../shaders/lib/kind.wgsl?raw";
import labelIndexed from "../../shaders/lib/label_indexed.wgsl?raw";
import labelLogits1 from "../../shaders/lib/label_logits_1.wgsl?raw";
import labelLogits2 from "../../shaders/lib/label_logits_2.wgsl?raw";
import labelLogits4 from "../../shaders/lib/label_logits_4.wgsl?raw";
import labelMixed from "../../shaders/lib/label_mixed.wgsl?raw";
import labelSelected from "../../shaders/lib/label_selected.wgsl?raw";
import labelSwept from "../../shaders/lib/label_swept.wgsl?raw";
import labelWord from "../../shaders/lib/label_word.wgsl?raw";
import labelWordAny from "../../shaders/lib/label_word_any.wgsl?raw";
import lanes1 from "../../shaders/lib/lanes_1.wgsl?raw";
import lanes2 from "../../shaders/lib/lanes_2.wgsl?raw";
import lanes4 from "../../shaders/lib/lanes_4.wgsl?raw";
import logitsF16x1 from "../../shaders/lib/logits_f16_1.wgsl?raw";
import logitsF16x2 from "../../shaders/lib/logits_f16_2.wgsl?raw";
import logitsF32 from "../../shaders/lib/logits_f32.wgsl?raw";
import look from "../../shaders/lib/look.wgsl?raw";
import lossesPutOff from "../../shaders/lib/losses_put_off.wgsl?raw";
import near from "../../shaders/lib/near.wgsl?raw";
import oneWay from "../../shaders/lib/one_way.wgsl?raw";
import partials from "../../shaders/lib/partials.wgsl?raw";
import pixel from "../../shaders/lib/pixel.wgsl?raw";
import pixelLabels from "../../shaders/lib/pixel_labels.wgsl?raw";
import pixelTargets from "../../shaders/lib/pixel_targets.wgsl?raw";
import pixelWeights from "../../shaders/lib/pixel_weights.wgsl?raw";
import powerAny from "../../shaders/lib/power_any.wgsl?raw";
import powerWhole from "../../shaders/lib/power_whole.wgsl?raw";
import probabilitiesAtOnce from "../../shaders/lib/probabilities_at_once.wgsl?raw";
import probability from "../../shaders/lib/probability.wgsl?raw";
import problem from "../../shaders/lib/problem.wgsl?raw";
import putOff from "../../shaders/lib/put_off.wgsl?raw";
import seen from "../../shaders/lib/seen.wgsl?raw";
import softAtOnce from "../../shaders/lib/soft_at_once.wgsl?raw";
import someGuarded from "../../shaders/lib/some_guarded.wgsl?raw";
import staged from "../../shaders/lib/staged.wgsl?raw";
import strips from "../../shaders/lib/strips.wgsl?raw";
import sumThreads from "../../shaders/lib/sum_threads.wgsl?raw";
import sumWorkgroup from "../../shaders/lib/sum_workgroup.wgsl?raw";
import targetsF32 from "../../shaders/lib/targets_f32.wgsl?raw";
import targetsI32 from "../../shaders/lib/targets_i32.wgsl?raw";
import targetsI64 from "../../shaders/lib/targets_i64.wgsl?raw";
import targetsOf1 from "../../shaders/lib/targets_of_1.wgsl?raw";
import targetsOf2 from "../../shaders/lib/targets_of_2.wgsl?raw";
import targetsOf4 from "../../shaders/lib/targets_of_4.wgsl?raw";
import targetsOf4U8 from "../../shaders/lib/targets_of_4_u8.wgsl?raw";
import targetsU16 from "../../shaders/lib/targets_u16.wgsl?raw";
import targetsU32 from "../../shaders/lib/targets_u32.wgsl?raw";
import targetsU8 from "../../shaders/lib/targets_u8.wgsl?raw";
import tree from "../../shaders/lib/tree.wgsl?raw";
import twoWays from "../../shaders/lib/two_ways.wgsl?raw";
import weightsOf1 from "../../shaders/lib/weights_of_1.wgsl?raw";
import weightsOf2 from "../../shaders/lib/weights_of_2.wgsl?raw";
import weightsOf4 from "../../shaders/lib/weights_of_4.wgsl?raw";
import workspace from "../../shaders/lib/workspace.wgsl?raw";
import lossKernel from "../../shaders/loss.wgsl?raw";
import massesSweep from "../../shaders/masses.wgsl?raw";
import peaksSweep from "../../shaders/peaks.wgsl?raw";
import probabilities from "../../shaders/probabilities.wgsl?raw";
import probabilityTermsSweep from "../../shaders/probability_terms.wgsl?raw";
import referencesSweep from "../../shaders/references.wgsl?raw";
import sigmoid from "../../shaders/sigmoid.wgsl?raw";
import sigmoidHard from "../../shaders/sigmoid_hard.wgsl?raw";
import sigmoidProbabilities from "../../shaders/sigmoid_probabilities.wgsl?raw";
import sigmoidSoft from "../../shaders/sigmoid_soft.wgsl?raw";
import soft from "../../shaders/soft.wgsl?raw";
import softAgain from "../../shaders/soft_again.wgsl?raw";
import softKept from "../../shaders/soft_kept.wgsl?raw";
import softmaxAgain from "../../shaders/softmax_again.wgsl?raw";
import softmaxAlwaysGuarded from "../../shaders/softmax_always_guarded.wgsl?raw";
import softmaxCarried from "../../shaders/softmax_carried.wgsl?raw";
import softmaxGuarded from "../../shaders/softmax_guarded.wgsl?raw";
import softmaxKept from "../../shaders/softmax_kept.wgsl?raw";
import softmaxOnline from "../../shaders/softmax_online.wgsl?raw";
import sweepKernel from "../../shaders/sweep.wgsl?raw";
import termsSweep from "../../shaders/terms.wgsl?raw";
import type { LogitType, TargetType } from "../spec.js";
import { declareStorage, storageBindings, storageOf, type Binding } from "./storage.js";
import { blockOf, hasShortWay, hasTwoWays, type KernelName, type Variant } from "./variant.js";

const TARGETS = {
  u8: targetsU8,
  u16: targetsU16,
  i32: targetsI32,
  u32: targetsU32,
  i64: targetsI64,
  f32: targetsF32,
} satisfies Record<TargetType, string>;
/** What the targets of a position mean. */
const KINDS = {
  softmax: { hard: pixelLabels, soft: pixelTargets },
  sigmoid: { hard: elementLabels, soft: elementTargets },
} satisfies Record<Variant["family"], Record<"hard" | "soft", string>>;
/** Which pixel and channel a position is. */
const POSITIONS = { softmax: pixel, sigmoid: element } satisfies Record<Variant["family"], string>;
const LANES = { 1: lanes1, 2: lanes2, 4: lanes4 } satisfies Record<Variant["lanes"], string>;
const WEIGHTS = { 1: weightsOf1, 2: weightsOf2, 4: weightsOf4 } satisfies Record<Variant["lanes"], string>;
const LOGITS = {
  f32: { 1: [logitsF32], 2: [logitsF32], 4: [logitsF32] },
  f16: { 1: [logitsF16x1], 2: [logitsF16x2], 4: [] },
} satisfies Record<LogitType, Record<Variant["lanes"], string[]>>;
const IN_PLACE = { f32: inPlaceF32, f16: inPlaceF16 } satisfies Record<LogitType, string>;
/** Logits as the short way of softmax reads them. */
const FINITE = {
  f32: { 1: [finiteF32], 2: [finiteF32], 4: [finiteF32] },
  f16: { 1: [finiteHalves, finiteF16x1], 2: [finiteHalves, finiteF16x2], 4: [] },
} satisfies Record<LogitType, Record<Variant["lanes"], string[]>>;
const LABEL_LOGITS = { 1: labelLogits1, 2: labelLogits2, 4: labelLogits4 } satisfies Record<
  Variant["lanes"],
  string
>;
const GRADIENTS = {
  f32: { 1: [gradientF32], 2: [gradientF32], 4: [gradientF32] },
  f16: { 1: [gradientF16x1], 2: [gradientF16x2], 4: [] },
} satisfies Record<LogitType, Record<Variant["lanes"], string[]>>;
const SUMS = {
  threads: [sumThreads],
  workgroup: [sumWorkgroup, tree],
} satisfies Record<Variant["sum"], string[]>;

/** Targets one by one. */
function targetFiles(v: Variant): string[] {
  return [TARGETS[v.targets], kind, KINDS[v.family][v.targets === "f32" ? "soft" : "hard"]];
}

/** Four labels that are bytes. */
function labelWordFile({ labelsBeginWords }: Variant): string {
  return labelsBeginWords ? labelWord : labelWordAny;
}

/** The targets of all lanes. */
function lanesOfTargets(v: Variant): string[] {
  if (v.lanes === 4 && v.targets === "u8") return [labelWordFile(v), targetsOf4U8];
  return [TARGETS[v.targets], { 1: targetsOf1, 2: targetsOf2, 4: targetsOf4 }[v.lanes]];
}

/** How the label's class is told from the others. */
function labelFiles(v: Variant): string[] {
  const isOneLane = v.lanes === 1 && v.logits === "f32" && v.gradient !== "f16";
  const isIndexed = isOneLane && v.classes > 2;
  if (!isIndexed && v.kept && v.classes <= 8) return [labelSelected];
  if (v.sweeps) return [labelSwept];
  return [LABEL_LOGITS[v.lanes], isIndexed ? labelIndexed : labelMixed];
}

/** When what is not of the short way is taken. */
function orderFiles(v: Variant): string[] {
  if (!hasTwoWays(v)) return [atOnce, oneWay];
  return [...(v.putsOff ? [putOff] : [atOnce, twoWays]), lossesPutOff];
}

/** What a position's loss is, and its gradient. */
function positionFiles(v: Variant): string[] {
  const isSoft = v.targets === "f32";
  if (v.family === "sigmoid") {
    const lanes = isSoft ? elementTargetsLanes : elementLabelsLanes;
    if (v.from === "probabilities") return [lanes, probability, sigmoidProbabilities, sigmoid];
    return [lanes, seen, isSoft || v.smoothed ? sigmoidSoft : sigmoidHard, sigmoid];
  }
  if (hasTwoWays(v)) return [seen, ...hardFiles(v)];
  const kept = v.kept && !v.sweeps ? softKept : softAgain;
  const ofClasses = [seen, isSoft ? classTargetsSoft : classTargetsHard, kept];
  if (v.from === "probabilities")
    return [
      ...ofClasses,
      probability,
      probabilities,
      ...(v.sweeps ? [carried, carriedProbabilities, carriedSeen] : [probabilitiesAtOnce]),
    ];
  return [...ofClasses, soft, ...(v.sweeps ? [carried, carriedSoft, carriedSeen] : [softAtOnce])];
}

/** Softmax with one label per pixel. */
function hardFiles(v: Variant): string[] {
  const guarded = [
    softmaxGuarded,
    ...(v.sweeps ? [carried, carriedHard, carriedSeen, guardedCarried] : [guardedAtOnce]),
    hard,
  ];
  if (!hasShortWay(v)) return [softmaxAlwaysGuarded, ...(v.sweeps ? [allGuarded] : []), ...guarded];
  return [
    look,
    v.near ? near : finite,
    ...labelFiles(v),
    ...FINITE[v.logits][v.lanes],
    ...shortFiles(v),
    ...guarded,
  ];
}

function shortFiles(v: Variant): string[] {
  if (v.sweeps) return [softmaxAgain, softmaxCarried, someGuarded];
  return v.kept ? [unrollClasses(softmaxKept, v.classes)] : [softmaxAgain, softmaxOnline];
}

/** What `loss` and the sweeps have in common. */
function commonConstants(v: Variant) {
  return {
    CLASSES: v.classes,
    WORKGROUP_SIZE: v.workgroupSize,
    GROUPS_PER_THREAD: v.groupsPerThread,
    POSITIONS_PER_BLOCK: blockOf(v),
    ...(v.wholeGamma !== undefined && { WHOLE_GAMMA: v.wholeGamma }),
    ACCUMULATE: v.accumulate,
    CLASS_FACTORS: v.classFactors,
    WRITE_ARGMAX: v.argmax,
  };
}

function commonFiles(v: Variant): string[] {
  return [
    problem,
    v.imagesTogether ? imageOfPixel : imageOfBlock,
    classTable,
    factors,
    blocks,
    LANES[v.lanes],
    ...lanesOfTargets(v),
    ...LOGITS[v.logits][v.lanes],
    ...(v.inPlace ? [IN_PLACE[v.logits]] : []),
    ...GRADIENTS[v.gradient || "f32"][v.lanes],
    v.staged ? staged : direct,
    ...(v.logits === "f16" || v.gradient === "f16" ? [halves] : []),
    curve,
    v.wholeGamma === undefined ? powerAny : powerWhole,
    ...positionFiles(v).map((file) => (v.sweeps ? sweepClasses(file) : file)),
  ];
}

function sweepOf(file: string) {
  return (v: Variant) => ({
    constants: commonConstants(v),
    files: [...commonFiles(v), sweepKernel, file],
  });
}

/** The constants and files that a kernel needs, and no others: kernels of the same text are one pipeline. */
const KERNELS: Record<KernelName, (v: Variant) => { constants: object; files: string[] }> = {
  count: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      POSITIONS_PER_THREAD: v.groupsPerThread * v.lanes,
      POSITIONS_PER_BLOCK: blockOf(v),
      TOGETHER: v.countsFour ? 4 : 1,
      SUM_WEIGHTS: v.sumWeights,
      PIXEL_WEIGHTS: v.sumWeights && v.pixelWeights,
    },
    files: [
      problem,
      imageOfPixel,
      classTable,
      blocks,
      workspace,
      ...targetFiles(v),
      ...(v.countsFour ? [labelWordFile(v), countsOf4] : [countsOf1]),
      POSITIONS[v.family],
      pixelWeights,
      ...SUMS[v.sum],
      countKernel,
    ],
  }),
  divide: (v) => ({
    constants: { WORKGROUP_SIZE: v.workgroupSize },
    files: [problem, imageOfPixel, workspace, tree, partials, divideKernel],
  }),
  loss: (v) => ({
    constants: {
      ...commonConstants(v),
      PIXEL_WEIGHTS: v.pixelWeights,
      GRAD_OUTPUT_MAP: v.gradOutputMap,
      WRITE_GRADIENT: v.gradient !== false,
      WRITE_LOSS_MAP: v.lossMap,
    },
    files: [
      ...commonFiles(v),
      workspace,
      kind,
      POSITIONS[v.family],
      pixelWeights,
      WEIGHTS[v.lanes],
      ...SUMS[v.sum],
      ...orderFiles(v),
      v.sweeps ? gradientCarried : gradientAtOnce,
      lossKernel,
    ],
  }),
  references: sweepOf(referencesSweep),
  masses: sweepOf(massesSweep),
  guarded: sweepOf(guardedSweep),
  peaks: sweepOf(peaksSweep),
  terms: (v) => sweepOf(v.from === "logits" ? termsSweep : probabilityTermsSweep)(v),
  gradients: sweepOf(gradientsSweep),
  classes: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      PIXELS_PER_STRIP: v.strip,
      CONFUSION: v.confusion,
    },
    files: [
      problem,
      imageOfPixel,
      classTable,
      strips,
      ...targetFiles(v),
      classResult,
      ...(v.family === "softmax" ? [classesKernel] : [element, channelsKernel]),
    ],
  }),
  finish: (v) => ({
    constants: {
      CLASSES: v.classes,
      WORKGROUP_SIZE: v.workgroupSize,
      PER_CLASS: v.perClass,
      WRITE_CALLERS_RESULT: v.callersResult,
    },
    files: [problem, imageOfPixel, workspace, classResult, tree, partials, finishKernel],
  }),
};

/** The WGSL of a kernel. */
export function kernelSource(name: KernelName, variant: Variant): string {
  const { constants, files } = KERNELS[name](variant);
  const prelude = Object.entries(constants).map(
    ([constant, value]) => `const ${constant} = ${value}${typeof value === "number" ? "u" : ""};`,
  );
  const storage = declareStorage(storageOf(name, variant), Object.keys(FIXED_BINDINGS[name]).length);
  return [...prelude, "", storage, ...files].join("\n");
}

const CLASS_LOOP = "for (var c = 0u; c < CLASSES; c++) {";

/** Loops over the classes of one sweep. */
function sweepClasses(source: string): string {
  return source.replaceAll(CLASS_LOOP, "for (var c = problem.first_class; c < problem.end_class; c++) {");
}

/**
 * The body of each loop over `c`, once per class: an array indexed by constants lives in registers. SwiftShader runs it
 * 1.6 times as fast as the loop; llvmpipe unrolls by itself.
 */
function unrollClasses(source: string, classes: number): string {
  const [before, ...loops] = source.split(CLASS_LOOP);
  return loops.reduce((text, rest) => {
    const end = rest.indexOf("\n  }\n");
    const body = rest.slice(0, end);
    const copies = Array.from({ length: classes }, (_, c) => `{ const c = ${c}u;${body} }`);
    return text + copies.join("\n  ") + rest.slice(end + "\n  }".length);
  }, before!);
}

const uniform: GPUBufferBindingLayout = { type: "uniform" };
const perCall: GPUBufferBindingLayout = { type: "uniform", hasDynamicOffset: true };
const input: GPUBufferBindingLayout = { type: "read-only-storage" };
const output: GPUBufferBindingLayout = { type: "storage" };

const ofSweep = { problem: perCall, classTable: uniform };

/** What the WGSL files of each kernel bind, in order of @binding; their arrays follow. */
const FIXED_BINDINGS = {
  count: { problem: perCall, classTable: uniform, workspace: output },
  divide: { problem: perCall, classTable: uniform, workspace: output },
  references: ofSweep,
  masses: ofSweep,
  guarded: ofSweep,
  peaks: ofSweep,
  terms: ofSweep,
  gradients: ofSweep,
  loss: { problem: perCall, classTable: uniform, workspace: output },
  classes: { problem: perCall, classTable: uniform, classPartials: output, confusion: output },
  finish: {
    problem: perCall,
    classTable: uniform,
    workspace: output,
    step: perCall,
    result: output,
    callersResult: output,
    classPartials: input,
    classResults: output,
  },
} satisfies Record<KernelName, Record<string, GPUBufferBindingLayout>>;

/** All that a kernel binds, in order of @binding. A test holds them to the shaders. */
export function bindingsOf(name: KernelName, variant: Variant): Binding[] {
  const fixed = Object.entries(FIXED_BINDINGS[name]).map(([binding, layout]) => ({ name: binding, layout }));
  return [...fixed, ...storageBindings(storageOf(name, variant))];
}
