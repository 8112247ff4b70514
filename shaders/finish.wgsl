// Finish: the partials of a step to its Result, and the counters back to zero. Dispatched as a single workgroup.
// Joined with lib/tree and lib/partials.

struct Result {
  loss: f32,  // reduced, in nats; NaN or +inf where a position's is; 0 where the divisor is
  loss_sum: f32,  // Σ loss of the finite positions
  divisor: f32,
  valid_count: u32,
  invalid_count: u32,
  nan_count: u32,  // valid positions with a NaN or +inf logit
  infinite_count: u32,  // valid positions with −inf where the target is above 0
  step: u32,  // which encode this is the answer to
}

const RESULT_WORDS = 8u;

@group(0) @binding(3) var<uniform> step: vec4u;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;          // a Result, ours
@group(0) @binding(5) var<storage, read_write> callers_result: array<u32>;  // the same again, for the caller
@group(0) @binding(6) var<storage, read> class_partials: array<ClassResult>;  // [strips, classes]
@group(0) @binding(7) var<storage, read_write> class_results: array<u32>;     // [classes], each a ClassResult

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let loss_sum = tree_sum(lane, sum_partials(lane));
  if PER_CLASS {
    for (var k = lane; k < CLASSES; k += WORKGROUP_SIZE) {
      let of_class = sum_class(k);
      let at = problem.class_results_offset + 4u * k;
      class_results[at] = of_class.count;
      class_results[at + 1u] = bitcast<u32>(of_class.loss_sum);
      class_results[at + 2u] = of_class.correct;
      class_results[at + 3u] = of_class.not_finite;
    }
  }
  if lane == 0u {
    write_result(loss_sum);
  }
}

// In three levels, of strips, of 64 and of 4096 of them: rounding grows with the last alone.
fn sum_class(c: u32) -> ClassResult {
  let strips = arrayLength(&class_partials) / CLASSES;
  var sum = nothing_of_class();
  for (var first = 0u; first < strips; first += 64u * 64u) {
    var large = 0.0;
    for (var i = 0u; i < 64u; i++) {
      var small = 0.0;
      for (var j = 0u; j < 64u; j++) {
        let strip = first + 64u * i + j;
        if strip < strips {
          let partial = class_partials[strip * CLASSES + c];
          small += partial.loss_sum;
          sum.count += partial.count;
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
