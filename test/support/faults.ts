// Faults that are planted in kernels on purpose, to see that they are found. What ships knows nothing of it: the device
// is given another text.

/** A change to the text of kernels, such as somebody may make. */
export interface Fault {
  name: string;
  /** What stands in the WGSL, and what takes its place. */
  from: string;
  to: string;
  /** A bundled case that runs it. */
  in: string;
}

export const FAULTS: readonly Fault[] = [
  {
    name: "one sign: the gradient of the label goes up (few classes)",
    from: "return select(of_other, of_label, (*position).labels == Ints(i32(c)));",
    to: "return select(of_other, -of_label, (*position).labels == Ints(i32(c)));",
    in: "4 classes",
  },
  {
    name: "one sign: the gradient of the label goes up (many classes)",
    from: "put_gradient(first + class_offset((*position).labels), of_label);",
    to: "put_gradient(first + class_offset((*position).labels), -of_label);",
    in: "21 classes",
  },
  {
    name: "one sign: the margin of a negative element",
    from: "let curve = focal_curve(x * sign);",
    to: "let curve = focal_curve(x);",
    in: "sigmoid, gamma 2",
  },
  {
    name: "one off: γ + 1 factors",
    from: "if WHOLE_GAMMA % 2u == 1u {\n    f = q;",
    to: "if WHOLE_GAMMA % 2u == 1u {\n    f = q2;",
    in: "gamma 3, two classes",
  },
  {
    name: "one off: the labels of the next word, of bytes",
    from: "return load_targets((problem.targets_offset + first) >> 2u);",
    to: "return load_targets(((problem.targets_offset + first) >> 2u) + 1u);",
    in: "gamma 3, two classes",
  },
  {
    name: "one off: the last class is none, of bytes",
    from: "(128u - min(CLASSES, 128u)) * EACH",
    to: "(129u - min(CLASSES, 128u)) * EACH",
    in: "gamma 3, two classes",
  },
  {
    name: "one label type: the low half of a word",
    from: "return load_targets(problem.targets_offset + position);",
    to: "return load_targets(problem.targets_offset + position) & 0xffffu;",
    in: "4 classes",
  },
  {
    name: "digits: 1 − p as a difference",
    from: "let q = odds * p;",
    to: "let q = 1.0 - p;",
    in: "gamma 2, confident",
  },
];

/** The barriers of the tree, the first or the one of each level. */
export const BARRIER_FAULTS: readonly Fault[] = [
  {
    name: "the barrier before the first level",
    from: "tree[lane] = mine;\n  workgroupBarrier();",
    to: "tree[lane] = mine;",
    in: "shape [3,2,128,96]",
  },
  {
    name: "the barrier of each level",
    from: "}\n    workgroupBarrier();\n  }\n  return tree[lane];",
    to: "}\n  }\n  return tree[lane];",
    in: "shape [3,2,128,96]",
  },
];

/** The barriers of lib/staged, in order. */
export const STAGE_FAULTS = [
  { name: "the barrier before the logits are read", barrier: 0 },
  { name: "the barrier after the gradient is written", barrier: 1 },
] as const;

/** Gives a device the faulty text from now on. Tells how many kernels had it. */
export function plant(device: GPUDevice, { from, to }: Fault): { count: number } {
  const planted = { count: 0 };
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const code = descriptor.code.replaceAll(from, to);
    if (code !== descriptor.code) planted.count++;
    return create({ ...descriptor, code });
  };
  return planted;
}
