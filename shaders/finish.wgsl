// Finish: the partials of a step to its Result, and the counters back to zero. Dispatched as a single workgroup.
// Joined with lib/tree.

struct Result {
  loss: f32,  // reduced, in nats; NaN or +inf where a pixel's is; 0 where the divisor is
  loss_sum: f32,  // Σ loss of the finite pixels
  divisor: f32,
  valid_count: u32,
  invalid_count: u32,
  nan_count: u32,  // valid pixels with a NaN or +inf logit
  infinite_count: u32,  // valid pixels with −inf at the label
  step: u32,  // which encode this is the answer to
}

struct ClassResult {
  count: u32,
  loss_sum: f32,
  correct: u32,
  not_finite: u32,  // 1: a loss of +inf among them; 2: a NaN
}

struct ClassPartial {
  loss_sum: f32,
  correct: u32,
  not_finite: u32,
}

const RESULT_WORDS = 8u;

@group(0) @binding(3) var<uniform> step: vec4u;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;          // a Result, ours
@group(0) @binding(5) var<storage, read_write> callers_result: array<u32>;  // the same again, for the caller
@group(0) @binding(6) var<storage, read> class_partials: array<ClassPartial>;       // [strips, classes]
@group(0) @binding(7) var<storage, read_write> class_results: array<ClassResult>;   // [classes]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let loss_sum = tree_sum(lane, sum_partials(lane));
  if PER_CLASS {
    for (var k = lane; k < CLASSES; k += WORKGROUP_SIZE) {
      class_results[k] = sum_class(k);
    }
  }
  if lane == 0u {
    write_result(loss_sum);
  }
  // Nobody may still need the counters that are cleared here.
  storageBarrier();
  for (var k = lane; k < CLASSES; k += WORKGROUP_SIZE) {
    atomicStore(&workspace.class_counts[k], 0u);
  }
}

// Every WORKGROUP_SIZE-th partial, in blocks of 64: rounding grows with the number of blocks, not of pixels.
fn sum_partials(lane: u32) -> f32 {
  let count = arrayLength(&workspace.partials);
  var sum = 0.0;
  for (var first = lane; first < count; first += 64u * WORKGROUP_SIZE) {
    var chunk = 0.0;
    for (var i = 0u; i < 64u; i++) {
      let at = first + i * WORKGROUP_SIZE;
      if at < count {
        chunk += workspace.partials[at];
      }
    }
    sum += chunk;
  }
  return sum;
}

// In three levels, of strips, of 64 and of 4096 of them: rounding grows with the last alone.
fn sum_class(c: u32) -> ClassResult {
  let strips = arrayLength(&class_partials) / CLASSES;
  var sum = ClassResult(atomicLoad(&workspace.class_counts[c]), 0.0, 0u, 0u);
  for (var first = 0u; first < strips; first += 64u * 64u) {
    var large = 0.0;
    for (var i = 0u; i < 64u; i++) {
      var small = 0.0;
      for (var j = 0u; j < 64u; j++) {
        let strip = first + 64u * i + j;
        if strip < strips {
          let partial = class_partials[strip * CLASSES + c];
          small += partial.loss_sum;
          sum.correct += partial.correct;
          sum.not_finite |= partial.not_finite;
        }
      }
      large += small;
    }
    sum.loss_sum += large;
  }
  return sum;
}

fn write_result(loss_sum: f32) {
  let divide_by = divisor();
  let nan_count = atomicExchange(&workspace.nan, 0u);
  let infinite_count = atomicExchange(&workspace.infinite, 0u);
  let or_infinite = select(bitcast<u32>(loss_sum / divide_by), problem.infinity, infinite_count > 0u);
  let or_nan = select(or_infinite, problem.nan, nan_count > 0u);
  let words = array<u32, RESULT_WORDS>(
    select(or_nan, 0u, divide_by == 0.0),
    bitcast<u32>(loss_sum),
    bitcast<u32>(divide_by),
    atomicExchange(&workspace.valid, 0u),
    atomicExchange(&workspace.invalid, 0u),
    nan_count,
    infinite_count,
    step.x,
  );
  for (var i = 0u; i < RESULT_WORDS; i++) {
    result[i] = words[i];
    if WRITE_CALLERS_RESULT {
      callers_result[problem.result_offset + i] = words[i];
    }
  }
}
